// SPDX-License-Identifier: Apache-2.0
//
// Attention, NEON: SMLAL multiplies eight keys, or eight channels of the values, by one lane of
// each query.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/attention.h"

typedef int32x4x2_t lvt_s32xn;
enum {
    LVT_LANES = 8,
    LVT_AT_ONCE = 1,
    LVT_QUERIES_AT_ONCE = LVT_ATTENTION_QUERIES,
    LVT_KEY_BYTES = 2,
    LVT_VALUES_SIDE_BY_SIDE = 1,
};
#include "internal/attention_scores.h"

LVT_INLINE void
widen(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, int16_t *out) {
    for (size_t c = 0; c < h->channels; c += 8)
        vst1q_s16(out + c, lvt_load_s16x8(in + c, c < a->head_dim ? a->head_dim - c : 0));
}

LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i) {
    widen(a, h, in, (int16_t *)h->queries + i * h->channels);
}

LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v) {
    memset(h->keys, 0, h->tokens * h->channels * 2);
    memset(h->values + a->keys * h->channels, 0, (h->tokens - a->keys) * h->channels * 2);
    for (size_t i = 0; i < a->keys; i++) {
        for (size_t c = 0; c < a->head_dim; c++)
            ((int16_t *)h->keys)[c * h->tokens + i] = k[i * a->stride + c];
        widen(a, h, v + i * a->stride, h->values + i * h->channels);
    }
}

/// Adds `lane` of each query's (or weights') vector times eight int16 to n sums.
#define LVT_ADD_LANE(sums, factors, v, lane, n)                                                    \
    LVT_UNROLL for (size_t i = 0; i < (n); i++) {                                                  \
        int32x4_t *s = sums[i][0].val;                                                             \
        s[0] = vmlal_lane_s16(s[0], vget_low_s16(v), factors[i], lane);                            \
        s[1] = vmlal_high_lane_s16(s[1], v, factors[i], lane);                                     \
    }

LVT_INLINE void lvt_multiply(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                             const int16_t *factors,
                             size_t factor_stride,
                             const int16_t *rows,
                             size_t row_stride,
                             size_t count,
                             const size_t n,
                             const size_t columns) {
    (void)columns; // 8
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0].val[0] = sums[i][0].val[1] =
        vdupq_n_s32(0);
    for (size_t j = 0; j < count; j += 4, rows += 4 * row_stride) {
        int16x4_t f[LVT_QUERIES_AT_ONCE];
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

LVT_INLINE void lvt_multiply_keys(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n) {
    const int16_t *keys = (const int16_t *)h->keys + key;
    const size_t count = (a->head_dim + 3) / 4 * 4;
    lvt_multiply(sums, h->queries, h->channels, keys, h->tokens, count, n, LVT_LANES * LVT_AT_ONCE);
}

LVT_INLINE void lvt_store_scores(int32_t *out, int32x4x2_t sums, float multiplier) {
    const float32x4_t m = vdupq_n_f32(multiplier);
    vst1q_s32(out, lvt_scores_x4(sums.val[0], m));
    vst1q_s32(out + 4, lvt_scores_x4(sums.val[1], m));
}

LVT_INLINE void
lvt_softmax(const lvt_head *h, int32_t shift, int32_t sums[LVT_QUERIES_AT_ONCE], const size_t n) {
    for (size_t query = 0; query < n; query++) {
        const int32_t *scores = h->scores + query * h->tokens;
        int16_t *weights = h->weights + query * h->weight_stride;
        int32x4_t greatest = vld1q_s32(scores);
        for (size_t i = 4; i < h->tokens; i += 4)
            greatest = vmaxq_s32(greatest, vld1q_s32(scores + i));
        const int32x4_t top = vdupq_n_s32(vmaxvq_s32(greatest));
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t i = 0; i < h->tokens; i += 8) {
            const int16x8_t w = lvt_weights_x8(vsubq_s32(top, vld1q_s32(scores + i)),
                                               vsubq_s32(top, vld1q_s32(scores + i + 4)),
                                               shift);
            sum = vpadalq_s16(sum, w);
            vst1q_s16(weights + i, w);
        }
        sums[query] = vaddvq_s32(sum);
    }
}

LVT_INLINE lvt_key_sums lvt_rectify(const lvt_head *h, int32_t *scores, int16_t *weights) {
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
    return (lvt_key_sums){
        (int32_t)vaddvq_u32(visible), vaddvq_s32(sums), (int64_t)vaddvq_u64(squares)};
}

LVT_INLINE int32x4x2_t lvt_means(const lvt_query *q, int32x4x2_t sums) {
    const float32x4_t m = vdupq_n_f32(q->factor);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) sums.val[i] = lvt_means_x4(sums.val[i], m);
    return sums;
}

LVT_INLINE int32x4x2_t lvt_normalized_means(const lvt_query *q,
                                            int32x4x2_t sums,
                                            int32x4x2_t values) {
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const int32x4_t v = values.val[i];
        const float32x4_t weighted = vmulq_n_f32(
            lvt_centred_x4(q->s.keys, sums.val[i], vdupq_n_s32(q->s.sum), v), q->factor);
        sums.val[i] = lvt_round_x4(vaddq_f32(weighted, vmulq_n_f32(vcvtq_f32_s32(v), q->shift)));
    }
    return sums;
}

LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const int32x4x2_t means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t columns) {
    (void)columns; // 8
    lvt_store_x8(means->val[0], means->val[1], a->out_zero_point, out, n);
}

void lvt_attention_s8__neon(const lvt_attention_args *a) {
    lvt_attention_run(a);
}
#endif
