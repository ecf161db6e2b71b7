// SPDX-License-Identifier: Apache-2.0
//
// What means of pixels on NEON and on the NEON dot product share. Include inside a target region.
#pragma once
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#include <arm_neon.h>
#include <string.h>

/// The first `count` means of `rows` rows, one or two, from `row` on. A mean's store reaches into
/// the next pixel.
typedef void lvt_means_fn(const lvt_resample_row_args *a, size_t row, size_t rows, size_t count);

/// Puts bytes `first` ... into lanes of four bytes, `count` of them; the other lanes are 0.
LVT_INLINE uint8x16_t lvt_spread(uint8_t first, const size_t count) {
    uint8_t order[16];
    LVT_UNROLL for (size_t i = 0; i < 16; i++) order[i] =
        i % 4 == 0 && i / 4 < count ? first + (uint8_t)(i / 4) : 255;
    return vld1q_u8(order);
}

LVT_INLINE int32x4_t lvt_lanes(uint8x16_t bytes, uint8x16_t order) {
    return vreinterpretq_s32_u8(vqtbl1q_u8(bytes, order));
}

/// Adds bytes x ... x + 15 of row `t` by their weight.
LVT_INLINE void lvt_add_row(const lvt_resample_rows_args *a, size_t t, size_t x, int32x4_t sum[4]) {
    const uint8x16_t bytes = vld1q_u8(a->rows[t] + x);
    const int32x4_t weight = vld1q_dup_s32(&a->weights[t / 4].whole[t % 4]);
    LVT_UNROLL for (size_t i = 0; i < 4; i++) sum[i] =
        vmlaq_s32(sum[i], lvt_lanes(bytes, lvt_spread((uint8_t)(4 * i), 4)), weight);
}

/// Two times four sums, shifted and clamped.
LVT_INLINE uint8x8_t lvt_rounded(int32x4_t first, int32x4_t second) {
    const int16x8_t top = vuzp2q_s16(vreinterpretq_s16_s32(first), vreinterpretq_s16_s32(second));
    return vqmovun_s16(vshrq_n_s16(top, LVT_WEIGHT_SHIFT - 16));
}

/// Stores a pixel's mean, of one row or of two.
LVT_INLINE void
lvt_store_means(uint8_t *out, size_t out_stride, uint8x8_t pixels, const size_t rows) {
    vst1_lane_u32((uint32_t *)(void *)out, vreinterpret_u32_u8(pixels), 0);
    if (rows == 2)
        vst1_lane_u32((uint32_t *)(void *)(out + out_stride), vreinterpret_u32_u8(pixels), 1);
}

/// Two rows at a time, where there are two.
LVT_INLINE void
lvt_pairs_of_rows(const lvt_resample_row_args *a, size_t count, lvt_means_fn *means) {
    size_t row = 0;
    for (; row + 2 <= a->rows; row += 2)
        means(a, row, 2, count);
    if (row < a->rows)
        means(a, row, 1, count);
}

LVT_INLINE void lvt_resample_row(const lvt_resample_row_args *a, lvt_means_fn *means) {
    const size_t inside = lvt_resample_row_inside(a, 4);
    if (inside > 0 && inside == a->count) {
        lvt_pairs_of_rows(a, inside - 1, means);
        // Behind the last pixel of a row there is nothing.
        const lvt_resample_row_args last = lvt_resample_row_rest(a, inside - 1);
        for (size_t row = 0; row < a->rows; row++) {
            uint8_t pixel[4];
            lvt_resample_row_args one = last;
            one.in += row * a->in_stride;
            one.out = pixel;
            means(&one, 0, 1, 1);
            memcpy(last.out + row * a->out_stride, pixel, 3);
        }
    } else {
        lvt_pairs_of_rows(a, inside, means);
        const lvt_resample_row_args rest = lvt_resample_row_rest(a, inside);
        lvt_resample_row_u8__scalar(&rest);
    }
}
