// SPDX-License-Identifier: Apache-2.0
//
// Pairs of neighbouring pixels as int16, 16 channels at a time. NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

LVT_INLINE int16x8x2_t pixel(const lvt_pair_pixels_args *a, ptrdiff_t x, size_t c) {
    if (!a->in || x < 0 || x >= (ptrdiff_t)a->width)
        return (int16x8x2_t){{vdupq_n_s16(0), vdupq_n_s16(0)}};
    const int8x16_t in = vld1q_s8(a->in + x * (ptrdiff_t)a->pixel_stride + c);
    const int16x8_t zero_point = vdupq_n_s16((int16_t)a->zero_point);
    return (int16x8x2_t){{vsubq_s16(vmovl_s8(vget_low_s8(in)), zero_point),
                          vsubq_s16(vmovl_high_s8(in), zero_point)}};
}

void lvt_pair_pixels_s8__neon(const lvt_pair_pixels_args *a) {
    const ptrdiff_t pad = (ptrdiff_t)(a->kernel - 1) / 2, end = (ptrdiff_t)a->width + pad;
    for (size_t c = 0; c < a->channels; c += LVT_BLOCK) {
        int16_t *out = a->out + 2 * c;
        int16x8x2_t first = pixel(a, -pad, c);
        for (ptrdiff_t x = -pad; x < end; x++, out += 2 * a->channels) {
            const int16x8x2_t second = pixel(a, x + 1, c);
            LVT_UNROLL for (size_t h = 0; h < 2; h++) {
                vst1q_s16(out + 16 * h, vzip1q_s16(first.val[h], second.val[h]));
                vst1q_s16(out + 16 * h + 8, vzip2q_s16(first.val[h], second.val[h]));
            }
            first = second;
        }
    }
}
#endif
