// SPDX-License-Identifier: Apache-2.0
//
// Attention, a head at a time, four queries at once, on int16: SMLAL multiplies eight keys,
// or eight channels of the values, by one lane of each query. NEON. Sums are exact integers, so
// their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/attention.h"

/// One head: its operands in scratch. Keys are padded to 16 positions and channels to 16 with
/// zeros.
typedef struct {
    size_t tokens, channels; ///< Padded.
    int32_t *scores;         ///< queries x tokens
    int16_t *keys;           ///< channels x tokens
    int16_t *values;         ///< tokens x channels
    int16_t *queries;        ///< queries x channels
    int16_t *weights;        ///< queries x tokens
} head_t;

LVT_INLINE head_t divide(const lvt_attention_args *a) {
    head_t h;
    h.tokens = (a->keys + 15) / 16 * 16;
    h.channels = (a->head_dim + 15) / 16 * 16;
    h.scores = a->scratch;
    h.keys = (int16_t *)(h.scores + LVT_ATTENTION_QUERIES * h.tokens);
    h.values = h.keys + h.tokens * h.channels;
    h.queries = h.values + h.tokens * h.channels;
    h.weights = h.queries + LVT_ATTENTION_QUERIES * h.channels;
    return h;
}

/// Widens a row and fills it with zeros.
LVT_INLINE void
widen(const lvt_attention_args *a, const head_t *h, const int8_t *in, int16_t *out) {
    for (size_t c = 0; c < h->channels; c += 8)
        vst1q_s16(out + c, lvt_load_s16x8(in + c, c < a->head_dim ? a->head_dim - c : 0));
}

static void prepare(const lvt_attention_args *a, const head_t *h, size_t head) {
    const int8_t *k = a->k + head * a->head_dim, *v = a->v + head * a->head_dim;
    memset(h->keys, 0, h->tokens * h->channels * 2);
    memset(h->values + a->keys * h->channels, 0, (h->tokens - a->keys) * h->channels * 2);
    for (size_t i = 0; i < a->keys; i++) {
        for (size_t c = 0; c < a->head_dim; c++)
            h->keys[c * h->tokens + i] = k[i * a->stride + c];
        widen(a, h, v + i * a->stride, h->values + i * h->channels);
    }
}

/// Adds `lane` of each query's (or weights') vector times eight int16 to n pairs of sums.
#define LVT_ADD_LANE(sums, factors, v, lane, n)                                                    \
    LVT_UNROLL for (size_t i = 0; i < (n); i++) {                                                  \
        sums[i][0] = vmlal_lane_s16(sums[i][0], vget_low_s16(v), factors[i], lane);                \
        sums[i][1] = vmlal_high_lane_s16(sums[i][1], v, factors[i], lane);                         \
    }

/// sums[i] of eight columns += factors[i][0 ..< count] times `count` rows, a multiple of 4.
LVT_INLINE void multiply(int32x4_t sums[LVT_ATTENTION_QUERIES][2],
                         const int16_t *factors,
                         size_t factor_stride,
                         const int16_t *rows,
                         size_t row_stride,
                         size_t count,
                         const size_t n) {
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0] = sums[i][1] = vdupq_n_s32(0);
    for (size_t j = 0; j < count; j += 4, rows += 4 * row_stride) {
        int16x4_t f[LVT_ATTENTION_QUERIES];
        LVT_UNROLL for (size_t i = 0; i < n; i++) f[i] = vld1_s16(factors + i * factor_stride + j);
        const int16x8_t r0 = vld1q_s16(rows), r1 = vld1q_s16(rows + row_stride);
        const int16x8_t r2 = vld1q_s16(rows + 2 * row_stride);
        const int16x8_t r3 = vld1q_s16(rows + 3 * row_stride);
        LVT_ADD_LANE(sums, f, r0, 0, n)
        LVT_ADD_LANE(sums, f, r1, 1, n)
        LVT_ADD_LANE(sums, f, r2, 2, n)
        LVT_ADD_LANE(sums, f, r3, 3, n)
    }
}

/// Adds biases, masks other regions and padding, and returns the greatest score.
LVT_INLINE int32_t finish_scores(
    const lvt_attention_args *a, const head_t *h, size_t head, size_t query, int32_t *scores) {
    const int32_t *bias = lvt_attention_bias(a, head, query);
    if (bias)
        for (size_t y = 0; y < a->window; y++)
            for (size_t x = 0; x < a->window; x++)
                scores[y * a->window + x] += bias[y * (2 * a->window - 1) + x];
    if (a->regions)
        for (size_t i = 0; i < a->keys; i++)
            if (a->regions[i] != a->regions[query])
                scores[i] = LVT_ATTENTION_MASKED;
    for (size_t i = a->keys; i < h->tokens; i++)
        scores[i] = LVT_ATTENTION_MASKED;
    int32x4_t greatest = vdupq_n_s32(LVT_ATTENTION_MASKED);
    for (size_t i = 0; i < h->tokens; i += 4)
        greatest = vmaxq_s32(greatest, vld1q_s32(scores + i));
    return vmaxvq_s32(greatest);
}

/// Turns scores into weights and returns their sum.
LVT_INLINE int32_t
weigh(const head_t *h, const int32_t *scores, int32_t greatest, int32_t shift, int16_t *weights) {
    const int32x4_t top = vdupq_n_s32(greatest);
    int32x4_t sums = vdupq_n_s32(0);
    for (size_t i = 0; i < h->tokens; i += 8) {
        const int16x8_t w = lvt_weights_x8(vsubq_s32(top, vld1q_s32(scores + i)),
                                           vsubq_s32(top, vld1q_s32(scores + i + 4)),
                                           shift);
        sums = vpadalq_s16(sums, w);
        vst1q_s16(weights + i, w);
    }
    return vaddvq_s32(sums);
}

/// What a key norm makes of a query's scores.
typedef struct {
    int32_t keys, sum; ///< Visible keys, and their weights' sum.
    float factor, shift;
} normalized_t;

/// Turns scores into weights, and then into ones for visible keys and zeros for others.
LVT_INLINE normalized_t normalize(
    const lvt_attention_args *a, const head_t *h, size_t head, int32_t *scores, int16_t *weights) {
    const int32x4_t zero = vdupq_n_s32(0), most = vdupq_n_s32(INT16_MAX);
    const uint32x4_t one = vdupq_n_u32(1);
    const int32x4_t masked = vdupq_n_s32(LVT_ATTENTION_MASKED);
    int32x4_t sums = zero;
    uint32x4_t visible = vdupq_n_u32(0);
    uint64x2_t squares = vdupq_n_u64(0);
    int16_t *ones = (int16_t *)scores;
    for (size_t i = 0; i < h->tokens; i += 8) {
        int16x4_t narrow[2], seen[2];
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            const int32x4_t t = vld1q_s32(scores + i + 4 * j);
            const uint32x4_t mask = vbicq_u32(one, vceqq_s32(t, masked));
            const int32x4_t r = vminq_s32(vmaxq_s32(t, zero), most);
            visible = vaddq_u32(visible, mask);
            sums = vaddq_s32(sums, r);
            narrow[j] = vmovn_s32(r);
            seen[j] = vreinterpret_s16_u16(vmovn_u32(mask));
            squares = vpadalq_u32(squares, vreinterpretq_u32_s32(vmull_s16(narrow[j], narrow[j])));
        }
        vst1q_s16(weights + i, vcombine_s16(narrow[0], narrow[1]));
        vst1q_s16(ones + i, vcombine_s16(seen[0], seen[1]));
    }
    normalized_t q;
    q.keys = (int32_t)vaddvq_u32(visible);
    q.sum = vaddvq_s32(sums);
    const float k =
        lvt_key_norm_factor(q.keys, q.sum, (int64_t)vaddvq_u64(squares), a->key_norm->epsilon);
    q.factor = (k * a->key_norm->gamma[head]) * a->out_multiplier;
    q.shift = a->key_norm->beta[head] * a->out_multiplier;
    return q;
}

/// Four channels of a query: weighted values and plain ones.
LVT_INLINE int32x4_t finish_x4(const normalized_t *q, int32x4_t sums, int32x4_t values) {
    const float32x4_t weighted =
        vmulq_n_f32(lvt_centred_x4(q->keys, sums, vdupq_n_s32(q->sum), values), q->factor);
    return lvt_round_x4(vaddq_f32(weighted, vmulq_n_f32(vcvtq_f32_s32(values), q->shift)));
}

/// Weighted means of up to 8 channels from c on, for n queries with a key norm.
LVT_INLINE void add_normalized_values(const lvt_attention_args *a,
                                      const head_t *h,
                                      const normalized_t *queries,
                                      int8_t *out,
                                      size_t c,
                                      const size_t n) {
    int32x4_t sums[LVT_ATTENTION_QUERIES][2], values[LVT_ATTENTION_QUERIES][2];
    multiply(sums, h->weights, h->tokens, h->values + c, h->channels, h->tokens, n);
    // Without regions all queries see the same keys.
    const int16_t *ones = (const int16_t *)h->scores;
    if (a->regions)
        multiply(values, ones, 2 * h->tokens, h->values + c, h->channels, h->tokens, n);
    else
        multiply(values, ones, 2 * h->tokens, h->values + c, h->channels, h->tokens, 1);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        const int32x4_t *v = values[a->regions ? i : 0];
        lvt_store_x8(finish_x4(queries + i, sums[i][0], v[0]),
                     finish_x4(queries + i, sums[i][1], v[1]),
                     a->out_zero_point,
                     out + i * a->out_stride + c,
                     a->head_dim - c);
    }
}

/// n queries of one head.
LVT_INLINE void
attend(const lvt_attention_args *a, const head_t *h, size_t head, size_t query, const size_t n) {
    const size_t first = head * a->head_dim;
    const int32_t shift = lvt_attention_shift(a->keys);
    for (size_t i = 0; i < n; i++)
        widen(a, h, a->q + (query + i) * a->stride + first, h->queries + i * h->channels);
    int32x4_t sums[LVT_ATTENTION_QUERIES][2];
    const float32x4_t score_multiplier = vdupq_n_f32(a->score_multiplier);
    for (size_t key = 0; key < h->tokens; key += 8) {
        multiply(
            sums, h->queries, h->channels, h->keys + key, h->tokens, (a->head_dim + 3) / 4 * 4, n);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t *out = h->scores + i * h->tokens + key;
            vst1q_s32(out, lvt_scores_x4(sums[i][0], score_multiplier));
            vst1q_s32(out + 4, lvt_scores_x4(sums[i][1], score_multiplier));
        }
    }
    float multipliers[LVT_ATTENTION_QUERIES];
    normalized_t normalized[LVT_ATTENTION_QUERIES];
    for (size_t i = 0; i < n; i++) {
        int32_t *scores = h->scores + i * h->tokens;
        int16_t *weights = h->weights + i * h->tokens;
        const int32_t greatest = finish_scores(a, h, head, query + i, scores);
        if (a->key_norm)
            normalized[i] = normalize(a, h, head, scores, weights);
        else
            multipliers[i] = a->out_multiplier / (float)weigh(h, scores, greatest, shift, weights);
    }
    int8_t *out = a->out + query * a->out_stride + first;
    for (size_t c = 0; c < a->head_dim; c += 8) {
        if (a->key_norm) {
            add_normalized_values(a, h, normalized, out, c, n);
            continue;
        }
        multiply(sums, h->weights, h->tokens, h->values + c, h->channels, h->tokens, n);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const float32x4_t m = vdupq_n_f32(multipliers[i]);
            lvt_store_x8(lvt_means_x4(sums[i][0], m),
                         lvt_means_x4(sums[i][1], m),
                         a->out_zero_point,
                         out + i * a->out_stride + c,
                         a->head_dim - c);
        }
    }
}

void lvt_attention_s8__neon(const lvt_attention_args *a) {
    const head_t h = divide(a);
    for (size_t head = 0; head < a->heads; head++) {
        prepare(a, &h, head);
        size_t query = a->first;
        for (; query + LVT_ATTENTION_QUERIES <= a->first + a->queries;
             query += LVT_ATTENTION_QUERIES)
            attend(a, &h, head, query, LVT_ATTENTION_QUERIES);
        for (; query < a->first + a->queries; query++)
            attend(a, &h, head, query, 1);
    }
}
#endif
