// SPDX-License-Identifier: Apache-2.0
//
// A row of a grid, 16 channels at a time. NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

// above * 128 + (below - above) * weight, which wraps to a sum that fits.
static void mix_rows(const lvt_resample_args *r) {
    const int16_t weight = (int16_t)r->below_weight;
    for (size_t i = 0; i < r->width * r->pitch; i += 16) {
        const int8x16_t above = vld1q_s8(r->above + i), below = vld1q_s8(r->below + i);
        const int16x8_t low = vshll_n_s8(vget_low_s8(above), 7);
        const int16x8_t high = vshll_high_n_s8(above, 7);
        vst1q_s16(r->scratch + i,
                  vmlaq_n_s16(low, vsubl_s8(vget_low_s8(below), vget_low_s8(above)), weight));
        vst1q_s16(r->scratch + i + 8, vmlaq_n_s16(high, vsubl_high_s8(below, above), weight));
    }
}

LVT_INLINE int16x8_t mix(const int16_t *v,
                         const int16_t *next,
                         const int16_t before,
                         const int16_t after) {
    const int16x8_t a = vld1q_s16(v), b = vld1q_s16(next);
    const int32x4_t low = vmlal_n_s16(vmull_n_s16(vget_low_s16(a), before), vget_low_s16(b), after);
    const int32x4_t high = vmlal_high_n_s16(vmull_high_n_s16(a, before), b, after);
    return vrshrn_high_n_s32(vrshrn_n_s32(low, 14), high, 14);
}

void lvt_resample_s8__neon(const lvt_resample_args *r) {
    mix_rows(r);
    for (size_t x = 0; x < r->columns; x++) {
        const int16_t after = (int16_t)r->places[x].weight, before = (int16_t)(128 - after);
        const int16_t *v = r->scratch + (size_t)r->places[x].first * r->pitch;
        const int16_t *next = after ? v + r->pitch : v;
        int8_t *out = r->out + x * r->pitch;
        for (size_t c = 0; c < r->pitch; c += 16)
            vst1q_s8(out + c,
                     vmovn_high_s16(vmovn_s16(mix(v + c, next + c, before, after)),
                                    mix(v + c + 8, next + c + 8, before, after)));
    }
}
#endif
