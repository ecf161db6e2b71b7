// SPDX-License-Identifier: Apache-2.0
//
// Prepared rows for NEON: position p holds, for each of 16 channels, the bytes of padded pixels
// p ... p + 3: the operand of SDOT, and in halves of SMULL.
#pragma once
#include "internal/dwconv.h"
#include <arm_neon.h>

LVT_INLINE int8x16_t lvt_dwconv_pixel(const lvt_dwconv_args *d,
                                      const int8_t *in,
                                      ptrdiff_t x,
                                      int8x16_t outside) {
    if (!in || x < 0 || x >= (ptrdiff_t)d->width)
        return outside;
    return vld1q_s8(in + x * (ptrdiff_t)d->pixel_stride);
}

LVT_INLINE void lvt_dwconv_prepare_quads(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    const ptrdiff_t pad = (ptrdiff_t)(d->kernel - 1) / 2;
    const ptrdiff_t positions = (ptrdiff_t)lvt_dwconv_quads(d->width, d->kernel);
    const int8x16_t outside = vdupq_n_s8((int8_t)d->in_zero_point);
    int16_t *out = row;
    int8x16_t pixel[3]; // pixels p, p + 1 and p + 2
    for (ptrdiff_t i = 0; i < 3; i++)
        pixel[i] = lvt_dwconv_pixel(d, in, i - pad, outside);
    int16x8_t pair_lo[2], pair_hi[2]; // pixels (p, p + 1) and (p + 1, p + 2), bytes interleaved
    for (ptrdiff_t i = 0; i < 2; i++) {
        pair_lo[i] = vreinterpretq_s16_s8(vzip1q_s8(pixel[i], pixel[i + 1]));
        pair_hi[i] = vreinterpretq_s16_s8(vzip2q_s8(pixel[i], pixel[i + 1]));
    }
    int8x16_t last = pixel[2];
    for (ptrdiff_t p = 0; p < positions; p++, out += 32) {
        const int8x16_t next = lvt_dwconv_pixel(d, in, p + 3 - pad, outside);
        const int16x8_t lo = vreinterpretq_s16_s8(vzip1q_s8(last, next));
        const int16x8_t hi = vreinterpretq_s16_s8(vzip2q_s8(last, next));
        vst1q_s16(out, vzip1q_s16(pair_lo[0], lo));
        vst1q_s16(out + 8, vzip2q_s16(pair_lo[0], lo));
        vst1q_s16(out + 16, vzip1q_s16(pair_hi[0], hi));
        vst1q_s16(out + 24, vzip2q_s16(pair_hi[0], hi));
        pair_lo[0] = pair_lo[1];
        pair_hi[0] = pair_hi[1];
        pair_lo[1] = lo;
        pair_hi[1] = hi;
        last = next;
    }
}

/// The epilogue of lvt_dwconv_args for one pixel of 16 channels.
LVT_INLINE void lvt_dwconv_finish(const lvt_dwconv_args *d, const int32x4_t sums[4], int8_t *out) {
    float32x4_t v[4];
    LVT_UNROLL for (size_t q = 0; q < 4; q++) v[q] =
        vmulq_f32(vcvtq_f32_s32(sums[q]), vld1q_f32(d->panel->multiplier + 4 * q));
    const int8_t *residual = lvt_dwconv_residual(d, out);
    if (residual)
        lvt_add_residual_x16(v, residual, 0, d->in_zero_point, d->residual_multiplier);
    vst1q_s8(out, vmaxq_s8(lvt_quantize_x16(v, d->out_zero_point), vdupq_n_s8((int8_t)d->out_lo)));
}
