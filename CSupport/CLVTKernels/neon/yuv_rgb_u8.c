// SPDX-License-Identifier: Apache-2.0
//
// Luma and chroma as RGB, 16 pixels at a time. NEON.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

typedef struct {
    uint8x16_t y;
    uint8x8_t u, v;
} samples;

LVT_INLINE samples load_packed(const lvt_yuv_rgb_args *a, const uint8_t *group, size_t x) {
    const uint8x8x4_t bytes = vld4_u8(group + 2 * x);
    const ptrdiff_t y = a->y - group;
    const uint8x8x2_t luma = vzip_u8(bytes.val[y], bytes.val[y + 2]);
    return (samples){
        vcombine_u8(luma.val[0], luma.val[1]), bytes.val[a->u - group], bytes.val[a->v - group]};
}

LVT_INLINE samples load_pairs(const lvt_yuv_rgb_args *a, const uint8_t *chroma, size_t x) {
    const uint8x8x2_t pairs = vld2_u8(chroma + x);
    return (samples){vld1q_u8(a->y + x), pairs.val[a->u > a->v], pairs.val[a->u < a->v]};
}

LVT_INLINE samples load_planes(const lvt_yuv_rgb_args *a, size_t x) {
    return (samples){vld1q_u8(a->y + x), vld1_u8(a->u + x / 2), vld1_u8(a->v + x / 2)};
}

/// Luma of 16 pixels plus the chroma of eight pairs of neighbours.
LVT_INLINE uint8x16_t sum(const int32x4_t luma[4], const int32x4_t chroma[2]) {
    uint16x4_t out[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) {
        const int32x4_t c = i % 2 ? vzip2q_s32(chroma[i / 2], chroma[i / 2])
                                  : vzip1q_s32(chroma[i / 2], chroma[i / 2]);
        out[i] = vqrshrun_n_s32(vaddq_s32(luma[i], c), LVT_YUV_SHIFT);
    }
    return vcombine_u8(vqmovn_u16(vcombine_u16(out[0], out[1])),
                       vqmovn_u16(vcombine_u16(out[2], out[3])));
}

void lvt_yuv_rgb_u8__neon(const lvt_yuv_rgb_args *a) {
    const lvt_yuv_matrix m = a->matrix;
    const bool is_packed = a->y_step == 2, is_paired = a->chroma_step == 2;
    const uint8_t *chroma = a->u < a->v ? a->u : a->v;
    const uint8_t *group = a->y < chroma ? a->y : chroma;
    const int16x8_t luma_offset = vdupq_n_s16(m.luma_offset), middle = vdupq_n_s16(128);
    size_t x = 0;
    for (; x + 16 <= a->width; x += 16) {
        const samples s = is_packed   ? load_packed(a, group, x)
                          : is_paired ? load_pairs(a, chroma, x)
                                      : load_planes(a, x);
        const int16x8_t y[2] = {
            vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(s.y))), luma_offset),
            vsubq_s16(vreinterpretq_s16_u16(vmovl_high_u8(s.y)), luma_offset)};
        const int16x8_t u = vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(s.u)), middle);
        const int16x8_t v = vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(s.v)), middle);
        int32x4_t luma[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) luma[i] =
            i % 2 ? vmull_high_n_s16(y[i / 2], m.luma)
                  : vmull_n_s16(vget_low_s16(y[i / 2]), m.luma);
        const int32x4_t red[2] = {vmull_n_s16(vget_low_s16(v), m.red_v),
                                  vmull_high_n_s16(v, m.red_v)};
        const int32x4_t green[2] = {
            vmlal_n_s16(vmull_n_s16(vget_low_s16(u), m.green_u), vget_low_s16(v), m.green_v),
            vmlal_high_n_s16(vmull_high_n_s16(u, m.green_u), v, m.green_v)};
        const int32x4_t blue[2] = {vmull_n_s16(vget_low_s16(u), m.blue_u),
                                   vmull_high_n_s16(u, m.blue_u)};
        uint8x16x3_t rgb;
        rgb.val[0] = sum(luma, red);
        rgb.val[1] = sum(luma, green);
        rgb.val[2] = sum(luma, blue);
        vst3q_u8(a->rgb + 3 * x, rgb);
    }
    const lvt_yuv_rgb_args rest = lvt_yuv_rgb_rest(a, x);
    lvt_yuv_rgb_u8__scalar(&rest);
}
#endif
