// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along rows and across rows. NEON: TBL widens bytes to the lanes of MLA, four at
// once. Sums may wrap around in between, the result does not.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

static const int32_t half = 1 << (LVT_WEIGHT_SHIFT - 1);

/// Puts bytes `first` ... into lanes of four bytes, `count` of them; the other lanes are 0.
LVT_INLINE uint8x16_t spread(uint8_t first, const size_t count) {
    uint8_t order[16];
    LVT_UNROLL for (size_t i = 0; i < 16; i++) order[i] =
        i % 4 == 0 && i / 4 < count ? first + (uint8_t)(i / 4) : 255;
    return vld1q_u8(order);
}

LVT_INLINE int32x4_t lanes(uint8x16_t bytes, uint8x16_t order) {
    return vreinterpretq_s32_u8(vqtbl1q_u8(bytes, order));
}

/// Two times four sums, shifted and clamped.
LVT_INLINE uint8x8_t rounded(int32x4_t first, int32x4_t second) {
    const int16x8_t top = vuzp2q_s16(vreinterpretq_s16_s32(first), vreinterpretq_s16_s32(second));
    return vqmovun_s16(vshrq_n_s16(top, LVT_WEIGHT_SHIFT - 16));
}

/// The first `count` means of `rows` rows, one or two, from `row` on.
LVT_INLINE void means(const lvt_resample_row_args *a,
                      size_t row,
                      const size_t rows,
                      size_t count,
                      const size_t groups) {
    uint8x16_t order[4]; // of a group's pixels
    LVT_UNROLL for (size_t i = 0; i < 4; i++) order[i] = spread((uint8_t)(3 * i), 3);
    const uint8_t *in = a->in + row * a->in_stride;
    uint8_t *out = a->out + row * a->out_stride;
    const uint32_t *first = a->first;
    const lvt_resample_weights *w = a->weights;
    const size_t in_stride = a->in_stride, out_stride = a->out_stride;
    for (; count > 0; count--, w += groups, out += 3) {
        const uint8_t *from = in + 3 * (size_t)*first++;
        int32x4_t sum[2] = {vdupq_n_s32(half), vdupq_n_s32(half)};
        for (size_t g = 0; g < groups; g++) {
            const int32x4_t weights = vld1q_s32(w[g].whole);
            LVT_UNROLL for (size_t r = 0; r < rows; r++) {
                const uint8x16_t bytes = vld1q_u8(from + r * in_stride + 12 * g);
                sum[r] = vmlaq_laneq_s32(sum[r], lanes(bytes, order[0]), weights, 0);
                sum[r] = vmlaq_laneq_s32(sum[r], lanes(bytes, order[1]), weights, 1);
                sum[r] = vmlaq_laneq_s32(sum[r], lanes(bytes, order[2]), weights, 2);
                sum[r] = vmlaq_laneq_s32(sum[r], lanes(bytes, order[3]), weights, 3);
            }
        }
        const uint32x2_t pixels = vreinterpret_u32_u8(rounded(sum[0], sum[1]));
        vst1_lane_u32((uint32_t *)(void *)out, pixels, 0);
        if (rows == 2)
            vst1_lane_u32((uint32_t *)(void *)(out + out_stride), pixels, 1);
    }
}

/// Constants make straight code of the loop over the taps.
LVT_INLINE void
some_means(const lvt_resample_row_args *a, size_t row, const size_t rows, size_t count) {
    const size_t groups = (a->taps + 3) / 4;
    switch (groups) {
    case 1: means(a, row, rows, count, 1); break;
    case 2: means(a, row, rows, count, 2); break;
    case 3: means(a, row, rows, count, 3); break;
    case 4: means(a, row, rows, count, 4); break;
    default: means(a, row, rows, count, groups); break;
    }
}

void lvt_resample_row_u8__neon(const lvt_resample_row_args *a) {
    const size_t inside = lvt_resample_row_inside(a, 4);
    // A store reaches into the next pixel.
    const size_t count = inside < a->count ? inside : a->count - (a->count > 0);
    size_t row = 0;
    for (; row + 2 <= a->rows; row += 2)
        some_means(a, row, 2, count);
    if (row < a->rows)
        some_means(a, row, 1, count);
    const lvt_resample_row_args rest = lvt_resample_row_rest(a, count);
    lvt_resample_row_u8__scalar(&rest);
}

void lvt_resample_rows_u8__neon(const lvt_resample_rows_args *a) {
    uint8x16_t order[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) order[i] = spread((uint8_t)(4 * i), 4);
    size_t x = 0;
    for (; x + 16 <= a->count; x += 16) {
        int32x4_t sum[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) sum[i] = vdupq_n_s32(half);
        for (size_t t = 0; t < a->taps; t++) {
            const uint8x16_t bytes = vld1q_u8(a->rows[t] + x);
            const int32x4_t weight = vld1q_dup_s32(&a->weights[t / 4].whole[t % 4]);
            LVT_UNROLL for (size_t i = 0; i < 4; i++) sum[i] =
                vmlaq_s32(sum[i], lanes(bytes, order[i]), weight);
        }
        vst1q_u8(a->out + x, vcombine_u8(rounded(sum[0], sum[1]), rounded(sum[2], sum[3])));
    }
    lvt_resample_rows_from(a, x);
}
#endif
