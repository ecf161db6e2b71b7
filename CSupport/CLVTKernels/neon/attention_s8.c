// SPDX-License-Identifier: Apache-2.0
//
// Softmax attention, a head at a time, four queries at once, on int16: SMLAL multiplies eight keys,
// or eight channels of the values, by one lane of each query. NEON. Sums are exact integers, so
// their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/softmax.h"

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
    int32x4_t sums = vdupq_n_s32(0);
    for (size_t i = 0; i < h->tokens; i += 8) {
        const int16x8_t w =
            lvt_weights_x8(vld1q_s32(scores + i), vld1q_s32(scores + i + 4), greatest, shift);
        sums = vpadalq_s16(sums, w);
        vst1q_s16(weights + i, w);
    }
    return vaddvq_s32(sums);
}

/// n queries of one head.
LVT_INLINE void
attend(const lvt_attention_args *a, const head_t *h, size_t head, size_t query, const size_t n) {
    const size_t first = head * a->head_dim;
    const int32_t shift = lvt_attention_shift(a->keys);
    for (size_t i = 0; i < n; i++)
        widen(a, h, a->q + (query + i) * a->stride + first, h->queries + i * h->channels);
    int32x4_t sums[LVT_ATTENTION_QUERIES][2];
    for (size_t key = 0; key < h->tokens; key += 8) {
        multiply(
            sums, h->queries, h->channels, h->keys + key, h->tokens, (a->head_dim + 3) / 4 * 4, n);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t *out = h->scores + i * h->tokens + key;
            vst1q_s32(out, lvt_scores_x4(sums[i][0], a->score_multiplier));
            vst1q_s32(out + 4, lvt_scores_x4(sums[i][1], a->score_multiplier));
        }
    }
    float multipliers[LVT_ATTENTION_QUERIES];
    for (size_t i = 0; i < n; i++) {
        int32_t *scores = h->scores + i * h->tokens;
        const int32_t greatest = finish_scores(a, h, head, query + i, scores);
        const int32_t sum = weigh(h, scores, greatest, shift, h->weights + i * h->tokens);
        multipliers[i] = a->out_multiplier / (float)sum;
    }
    for (size_t c = 0; c < a->head_dim; c += 8) {
        multiply(sums, h->weights, h->tokens, h->values + c, h->channels, h->tokens, n);
        LVT_UNROLL for (size_t i = 0; i < n; i++)
            lvt_store_means_x8(sums[i][0],
                               sums[i][1],
                               multipliers[i],
                               a->out_zero_point,
                               a->out + (query + i) * a->out_stride + first + c,
                               a->head_dim - c);
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
