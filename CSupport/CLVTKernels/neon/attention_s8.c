// SPDX-License-Identifier: Apache-2.0
//
// Attention, NEON: SMLAL multiplies eight keys, or eight channels of the values, by one lane of
// each query or of its weights.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
enum { LVT_KEY_BYTES = 2 };
#include "neon/attention_loop.h"

LVT_INLINE void lvt_store_factors(int16_t *out, int16x8_t first, int16x8_t second) {
    vst1q_s16(out, first);
    vst1q_s16(out + 8, second);
}

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
    int16_t *keys = h->keys, *values = h->values;
    memset(keys, 0, h->tokens * h->channels * 2);
    memset(values + a->keys * h->channels, 0, (h->tokens - a->keys) * h->channels * 2);
    for (size_t i = 0; i < a->keys; i++) {
        for (size_t c = 0; c < a->head_dim; c++)
            keys[c * h->tokens + i] = k[i * a->stride + c];
        widen(a, h, v + i * a->stride, values + i * h->channels);
    }
}

/// Adds `lane` of each query's (or weights') vector times eight int16 to n sums.
#define ADD_LANE(sums, factors, v, lane, n)                                                        \
    LVT_UNROLL for (size_t i = 0; i < (n); i++) {                                                  \
        int32x4_t *s = sums[i][0].val;                                                             \
        s[0] = vmlal_laneq_s16(s[0], vget_low_s16(v), factors[i], lane);                           \
        s[1] = vmlal_high_laneq_s16(s[1], v, factors[i], lane);                                    \
    }

/// sums[i] of eight columns = factors[i][0 ..< count] times `count` rows, a multiple of 8.
LVT_INLINE void multiply(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                         const int16_t *factors,
                         size_t factor_stride,
                         const int16_t *rows,
                         size_t row_stride,
                         size_t count,
                         const size_t n) {
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0].val[0] = sums[i][0].val[1] =
        vdupq_n_s32(0);
    for (size_t j = 0; j < count; j += 8) {
        int16x8_t f[LVT_QUERIES_AT_ONCE], r[8];
        LVT_UNROLL for (size_t i = 0; i < n; i++) f[i] = vld1q_s16(factors + i * factor_stride + j);
        LVT_UNROLL for (size_t i = 0; i < 8; i++, rows += row_stride) r[i] = vld1q_s16(rows);
        ADD_LANE(sums, f, r[0], 0, n)
        ADD_LANE(sums, f, r[1], 1, n)
        ADD_LANE(sums, f, r[2], 2, n)
        ADD_LANE(sums, f, r[3], 3, n)
        ADD_LANE(sums, f, r[4], 4, n)
        ADD_LANE(sums, f, r[5], 5, n)
        ADD_LANE(sums, f, r[6], 6, n)
        ADD_LANE(sums, f, r[7], 7, n)
    }
}
#undef ADD_LANE

LVT_INLINE void lvt_multiply_keys(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n) {
    const int16_t *keys = (const int16_t *)h->keys + key;
    const size_t count = (a->head_dim + 7) / 8 * 8;
    multiply(sums, h->queries, h->channels, keys, h->tokens, count, n);
}

LVT_INLINE void lvt_multiply_values(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                    const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const int16_t *factors,
                                    size_t factor_stride,
                                    size_t c,
                                    const size_t n,
                                    const size_t columns) {
    (void)columns; // 8
    const int16_t *values = (const int16_t *)h->values + c;
    const size_t count = (a->keys + 7) / 8 * 8;
    multiply(sums, factors, factor_stride, values, h->channels, count, n);
}

void lvt_attention_s8__neon(const lvt_attention_args *a) {
    lvt_attention_run(a);
}
#endif
