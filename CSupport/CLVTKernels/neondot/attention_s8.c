// SPDX-License-Identifier: Apache-2.0
//
// Attention, NEON dot product. SDOT multiplies four channels of four keys with those of a query,
// and four keys' values of four channels with the bytes of their weights: the upper ones of w, and
// the lower ones less 128, so that sum(w * v) = 256 * upper sum + lower sum + 128 * sum(v).
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
enum { LVT_KEY_BYTES = 1 };
#include "neon/attention_loop.h"

LVT_INLINE void lvt_store_factors(int16_t *out, int16x8_t first, int16x8_t second) {
    const int8x16_t a = vreinterpretq_s8_s16(first), b = vreinterpretq_s8_s16(second);
    const int8x16_t low = veorq_s8(vuzp1q_s8(a, b), vdupq_n_s8(-128));
    vst1q_s8((int8_t *)out, vuzp2q_s8(a, b));
    vst1q_s8((int8_t *)out + 16, low);
}

/// Sixteen channels of four positions, zeros where there is none.
LVT_INLINE void load_four(
    const lvt_attention_args *a, const int8_t *in, size_t token, size_t c, int8x16_t rows[4]) {
    LVT_UNROLL for (size_t i = 0; i < 4; i++) rows[i] =
        token + i < a->keys ? lvt_load_s8x16(in + (token + i) * a->stride + c, a->head_dim - c)
                            : vdupq_n_s8(0);
}

/// 128 times the sums of the values, for each channel.
LVT_INLINE int32_t *value_sums(const lvt_head *h) {
    return (int32_t *)((char *)h->values + h->tokens * h->channels);
}

// Keys and values in blocks of four positions. A block of keys has four channels of each position,
// then the next four channels; one of values the four positions of a channel, then the next
// channel.
LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v) {
    int32_t *sums = value_sums(h);
    memset(sums, 0, h->channels * sizeof *sums);
    for (size_t token = 0; token < h->tokens; token += 4) {
        for (size_t c = 0; c < h->channels; c += 16) {
            const size_t at = token * h->channels + 4 * c;
            int8x16_t rows[4];
            load_four(a, k, token, c, rows);
            int32x4x4_t keys;
            LVT_UNROLL for (size_t i = 0; i < 4; i++) keys.val[i] = vreinterpretq_s32_s8(rows[i]);
            vst4q_s32((int32_t *)h->keys + at / 4, keys);
            load_four(a, v, token, c, rows);
            const int8x16_t even[2] = {vzip1q_s8(rows[0], rows[2]), vzip2q_s8(rows[0], rows[2])};
            const int8x16_t odd[2] = {vzip1q_s8(rows[1], rows[3]), vzip2q_s8(rows[1], rows[3])};
            LVT_UNROLL for (size_t i = 0; i < 4; i++) {
                const int8x16_t four =
                    i % 2 ? vzip2q_s8(even[i / 2], odd[i / 2]) : vzip1q_s8(even[i / 2], odd[i / 2]);
                int32_t *sum = sums + c + 4 * i;
                const int8x16_t half = vdupq_n_s8(64);
                vst1q_s32(sum, vdotq_s32(vdotq_s32(vld1q_s32(sum), four, half), four, half));
                vst1q_s8((int8_t *)h->values + at + 16 * i, four);
            }
        }
    }
}

LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i) {
    int8_t *out = (int8_t *)h->queries + i * h->channels;
    for (size_t c = 0; c < a->head_dim; c += 16)
        vst1q_s8(out + c, lvt_load_s8x16(in + c, a->head_dim - c));
}

/// Adds four channels, those of `lane`, of eight keys.
#define ADD_CHANNELS(lane)                                                                         \
    do {                                                                                           \
        const int8x16_t k0 = vld1q_s8(keys + 16 * (lane)), k1 = vld1q_s8(more + 16 * (lane));      \
        LVT_UNROLL for (size_t i = 0; i < n; i++) {                                                \
            int32x4_t *s = sums[i][0].val;                                                         \
            s[0] = vdotq_laneq_s32(s[0], k0, q[i], lane);                                          \
            s[1] = vdotq_laneq_s32(s[1], k1, q[i], lane);                                          \
        }                                                                                          \
    } while (0)

LVT_INLINE void lvt_multiply_keys(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n) {
    const int8_t *queries = h->queries, *keys = (const int8_t *)h->keys + key * h->channels;
    const int8_t *more = keys + 4 * h->channels;
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0].val[0] = sums[i][0].val[1] =
        vdupq_n_s32(0);
    for (size_t c = 0; c < a->head_dim; c += 16, keys += 64, more += 64) {
        int8x16_t q[LVT_QUERIES_AT_ONCE];
        LVT_UNROLL for (size_t i = 0; i < n; i++) q[i] = vld1q_s8(queries + i * h->channels + c);
        ADD_CHANNELS(0);
        ADD_CHANNELS(1);
        if (a->head_dim - c <= 8)
            break;
        ADD_CHANNELS(2);
        ADD_CHANNELS(3);
    }
}
#undef ADD_CHANNELS

/// Adds the values of four keys, those of `lane`, of eight channels.
#define ADD_KEYS(lane)                                                                             \
    do {                                                                                           \
        const int8x16_t v0 = vld1q_s8(values), v1 = vld1q_s8(values + 16);                         \
        LVT_UNROLL for (size_t i = 0; i < n; i++) {                                                \
            upper[i][0] = vdotq_laneq_s32(upper[i][0], v0, f[i][0], lane);                         \
            upper[i][1] = vdotq_laneq_s32(upper[i][1], v1, f[i][0], lane);                         \
            lower[i][0] = vdotq_laneq_s32(lower[i][0], v0, f[i][1], lane);                         \
            lower[i][1] = vdotq_laneq_s32(lower[i][1], v1, f[i][1], lane);                         \
        }                                                                                          \
        values += 4 * h->channels;                                                                 \
    } while (0)

LVT_INLINE void lvt_multiply_values(int32x4x2_t sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                    const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const int16_t *factors,
                                    size_t factor_stride,
                                    size_t c,
                                    const size_t n,
                                    const size_t columns) {
    (void)columns; // 8
    const int8_t *values = (const int8_t *)h->values + 4 * c;
    const int32x4x2_t start = vld1q_s32_x2(value_sums(h) + c);
    int32x4_t upper[LVT_QUERIES_AT_ONCE][2], lower[LVT_QUERIES_AT_ONCE][2];
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            upper[i][j] = vdupq_n_s32(0);
            lower[i][j] = start.val[j];
        }
    }
    for (size_t key = 0; key < a->keys; key += 16) {
        int8x16_t f[LVT_QUERIES_AT_ONCE][2];
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const int8_t *bytes = (const int8_t *)(factors + i * factor_stride + key);
            f[i][0] = vld1q_s8(bytes);
            f[i][1] = vld1q_s8(bytes + 16);
        }
        ADD_KEYS(0);
        if (a->keys - key <= 4)
            break;
        ADD_KEYS(1);
        ADD_KEYS(2);
        ADD_KEYS(3);
    }
    LVT_UNROLL for (size_t i = 0; i < n; i++) LVT_UNROLL for (size_t j = 0; j < 2; j++) sums[i][0]
        .val[j] = vaddq_s32(lower[i][j], vshlq_n_s32(upper[i][j], 8));
}
#undef ADD_KEYS

void lvt_attention_s8__neondot(const lvt_attention_args *a) {
    lvt_attention_run(a);
}

LVT_TARGET_END
#endif
