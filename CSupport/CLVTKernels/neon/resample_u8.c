// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along a row and across rows. NEON: SMLAL multiplies 16-bit integers, so the halves
// of the weights are summed apart; sums wrap around in between, the result does not.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

/// Both halves of a sum together, rounded, clamped from below.
LVT_INLINE uint16x4_t mean(int32x4_t high, int32x4_t low) {
    const int32x4_t half = vdupq_n_s32(1 << (LVT_WEIGHT_SHIFT - 1));
    const int32x4_t sum = vaddq_s32(vaddq_s32(vshlq_n_s32(high, LVT_WEIGHT_LOW), low), half);
    return vqmovun_s32(vshrq_n_s32(sum, LVT_WEIGHT_SHIFT));
}

void lvt_resample_row_u8__neon(const lvt_resample_row_args *a) {
    // Four pixels of three bytes as four of four.
    static const uint8_t spread[16] = {0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255};
    const uint8x16_t order = vld1q_u8(spread);
    const size_t groups = (a->taps + 3) / 4, inside = lvt_resample_row_inside(a, 4);
    size_t i = 0;
    for (; i + 1 < inside; i++) { // the store reaches into the next pixel
        const lvt_resample_weights *w = a->weights + i * groups;
        const uint8_t *in = a->in + 3 * (size_t)a->first[i];
        int32x4_t high = vdupq_n_s32(0), low = high;
        for (size_t g = 0; g < groups; g++, w++, in += 12) {
            const uint8x16_t bytes = vqtbl1q_u8(vld1q_u8(in), order);
            const int16x8_t p = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
            const int16x8_t q = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
            const int16x4_t h = vld1_s16(w->high), l = vld1_s16(w->low);
            high = vmlal_lane_s16(high, vget_low_s16(p), h, 0);
            low = vmlal_lane_s16(low, vget_low_s16(p), l, 0);
            high = vmlal_high_lane_s16(high, p, h, 1);
            low = vmlal_high_lane_s16(low, p, l, 1);
            high = vmlal_lane_s16(high, vget_low_s16(q), h, 2);
            low = vmlal_lane_s16(low, vget_low_s16(q), l, 2);
            high = vmlal_high_lane_s16(high, q, h, 3);
            low = vmlal_high_lane_s16(low, q, l, 3);
        }
        const uint16x4_t m = mean(high, low);
        const uint32_t pixel =
            vget_lane_u32(vreinterpret_u32_u8(vqmovn_u16(vcombine_u16(m, m))), 0);
        memcpy(a->out + 3 * i, &pixel, sizeof pixel);
    }
    const lvt_resample_row_args rest = lvt_resample_row_rest(a, i);
    lvt_resample_row_u8__scalar(&rest);
}

void lvt_resample_rows_u8__neon(const lvt_resample_rows_args *a) {
    size_t x = 0;
    for (; x + 16 <= a->count; x += 16) {
        int32x4_t high[4], low[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) high[i] = low[i] = vdupq_n_s32(0);
        for (size_t t = 0; t < a->taps; t++) {
            const uint8x16_t bytes = vld1q_u8(a->rows[t] + x);
            const int16_t h = a->weights[t / 4].high[t % 4], l = a->weights[t / 4].low[t % 4];
            const int16x8_t p[2] = {vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
                                    vreinterpretq_s16_u16(vmovl_high_u8(bytes))};
            LVT_UNROLL for (size_t i = 0; i < 4; i++) {
                const int16x4_t quarter = i % 2 ? vget_high_s16(p[i / 2]) : vget_low_s16(p[i / 2]);
                high[i] = vmlal_n_s16(high[i], quarter, h);
                low[i] = vmlal_n_s16(low[i], quarter, l);
            }
        }
        vst1q_u8(
            a->out + x,
            vcombine_u8(vqmovn_u16(vcombine_u16(mean(high[0], low[0]), mean(high[1], low[1]))),
                        vqmovn_u16(vcombine_u16(mean(high[2], low[2]), mean(high[3], low[3])))));
    }
    lvt_resample_rows_from(a, x);
}
#endif
