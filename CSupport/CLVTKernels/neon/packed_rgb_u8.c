// SPDX-License-Identifier: Apache-2.0
//
// Colours in another order as RGB, 16 pixels at a time. NEON.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

/// The bytes of 16 pixels, first bytes first.
LVT_INLINE void load(uint8x16_t bytes[4], const uint8_t *in, size_t step) {
    if (step == 4) {
        const uint8x16x4_t four = vld4q_u8(in);
        LVT_UNROLL for (size_t i = 0; i < 4; i++) bytes[i] = four.val[i];
    } else if (step == 3) {
        const uint8x16x3_t three = vld3q_u8(in);
        LVT_UNROLL for (size_t i = 0; i < 3; i++) bytes[i] = three.val[i];
    } else {
        bytes[0] = vld1q_u8(in);
    }
}

/// The byte `i` of each pixel: three selects instead of a way through memory.
LVT_INLINE uint8x16_t byte_of(const uint8x16_t bytes[4], size_t i) {
    return i == 0 ? bytes[0] : i == 1 ? bytes[1] : bytes[2];
}

LVT_INLINE size_t convert(const lvt_packed_rgb_args *a, size_t step) {
    size_t x = 0;
    for (; x + 16 <= a->width; x += 16) {
        uint8x16_t bytes[4] = {0};
        load(bytes, a->in + x * step, step);
        uint8x16x3_t rgb;
        rgb.val[0] = byte_of(bytes, a->red);
        rgb.val[1] = byte_of(bytes, a->green);
        rgb.val[2] = byte_of(bytes, a->blue);
        vst3q_u8(a->rgb + 3 * x, rgb);
    }
    return x;
}

void lvt_packed_rgb_u8__neon(const lvt_packed_rgb_args *a) {
    const size_t x = a->step == 4 ? convert(a, 4) : a->step == 3 ? convert(a, 3) : convert(a, 1);
    const lvt_packed_rgb_args rest = lvt_packed_rgb_rest(a, x);
    lvt_packed_rgb_u8__scalar(&rest);
}
#endif
