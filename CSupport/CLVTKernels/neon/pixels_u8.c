// SPDX-License-Identifier: Apache-2.0
//
// Pixels of a picture as four bytes each, 16 pixels at a time. NEON.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

void lvt_pixels_u8__neon(const lvt_pixels_args *p) {
    size_t x = 0;
    if (p->in_stride == 3 && p->out_stride == 4) {
        const uint8_t *in = p->in;
        const uint8x16_t sign = vdupq_n_u8(0x80);
        for (; x + 16 <= p->count; x += 16) {
            const uint8x16x3_t rgb = vld3q_u8(in + 3 * x);
            uint8x16x4_t out;
            LVT_UNROLL for (size_t c = 0; c < 3; c++) out.val[c] = veorq_u8(rgb.val[c], sign);
            out.val[3] = sign;
            vst4q_u8((uint8_t *)p->out + 4 * x, out);
        }
    }
    const lvt_pixels_args rest = lvt_pixels_rest(p, x);
    lvt_pixels_u8__scalar(&rest);
}
#endif
