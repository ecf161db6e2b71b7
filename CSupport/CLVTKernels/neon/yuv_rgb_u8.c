// SPDX-License-Identifier: Apache-2.0
//
// Luma and chroma as RGB, 16 pixels at a time. NEON.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

/// Sixteen pixels: luma of the even and of the odd ones, chroma of the pairs.
typedef struct {
    uint8x8_t even, odd, u, v;
} samples;

typedef enum {
    PLANES,       ///< y, u and v apart.
    PAIRS,        ///< Chroma in pairs.
    LUMA_FIRST,   ///< All together, as in YUYV.
    CHROMA_FIRST, ///< As in UYVY.
} layout;

/// Pixels x ... x + 15. `first` is the row's first byte of chroma, or of all samples where they are
/// together.
LVT_INLINE samples load(const lvt_yuv_rgb_args *a,
                        const uint8_t *first,
                        size_t x,
                        const layout layout,
                        const bool is_u_first) {
    if (layout == LUMA_FIRST || layout == CHROMA_FIRST) {
        const uint8x8x4_t bytes = vld4_u8(first + 2 * x);
        const size_t luma = layout == CHROMA_FIRST, chroma = !luma;
        return (samples){bytes.val[luma],
                         bytes.val[luma + 2],
                         bytes.val[chroma + (is_u_first ? 0 : 2)],
                         bytes.val[chroma + (is_u_first ? 2 : 0)]};
    }
    const uint8x8x2_t luma = vld2_u8(a->y + x);
    if (layout == PLANES)
        return (samples){luma.val[0], luma.val[1], vld1_u8(a->u + x / 2), vld1_u8(a->v + x / 2)};
    const uint8x8x2_t pairs = vld2_u8(first + x);
    return (samples){luma.val[0], luma.val[1], pairs.val[!is_u_first], pairs.val[is_u_first]};
}

LVT_INLINE int16x8_t centred(uint8x8_t v, uint8x8_t middle) {
    return vreinterpretq_s16_u16(vsubl_u8(v, middle)); // wraps around to what is negative
}

/// The luma of eight pixels plus their chroma, at most 255.
LVT_INLINE uint16x8_t sum(const int32x4_t luma[2], const int32x4_t chroma[2]) {
    const uint16x4_t low = vqrshrun_n_s32(vaddq_s32(luma[0], chroma[0]), LVT_YUV_SHIFT);
    const uint16x8_t all = vqrshrun_high_n_s32(low, vaddq_s32(luma[1], chroma[1]), LVT_YUV_SHIFT);
    return vminq_u16(all, vdupq_n_u16(255));
}

/// Pixels by the sixteen; returns how many.
LVT_INLINE size_t convert(const lvt_yuv_rgb_args *a, const layout layout, const bool is_u_first) {
    const uint8_t *first = is_u_first ? a->u : a->v;
    first = layout == LUMA_FIRST ? a->y : first;
    const lvt_yuv_matrix m = a->matrix;
    const uint8x8_t luma_offset = vdup_n_u8((uint8_t)m.luma_offset), middle = vdup_n_u8(128);
    const size_t width = a->width;
    uint8_t *rgb = a->rgb;
    size_t x = 0;
    for (; x + 16 <= width; x += 16, rgb += 48) {
        const samples s = load(a, first, x, layout, is_u_first);
        const int16x8_t u = centred(s.u, middle), v = centred(s.v, middle);
        int32x4_t luma[2][2];
        LVT_UNROLL for (size_t i = 0; i < 2; i++) {
            const int16x8_t y = centred(i ? s.odd : s.even, luma_offset);
            luma[i][0] = vmull_n_s16(vget_low_s16(y), m.luma);
            luma[i][1] = vmull_high_n_s16(y, m.luma);
        }
        const int32x4_t chroma[3][2] = {
            {vmull_n_s16(vget_low_s16(v), m.red_v), vmull_high_n_s16(v, m.red_v)},
            {vmlal_n_s16(vmull_n_s16(vget_low_s16(u), m.green_u), vget_low_s16(v), m.green_v),
             vmlal_high_n_s16(vmull_high_n_s16(u, m.green_u), v, m.green_v)},
            {vmull_n_s16(vget_low_s16(u), m.blue_u), vmull_high_n_s16(u, m.blue_u)}};
        uint8x16x3_t out;
        LVT_UNROLL for (size_t c = 0; c < 3; c++) out.val[c] =
            vreinterpretq_u8_u16(vsliq_n_u16(sum(luma[0], chroma[c]), sum(luma[1], chroma[c]), 8));
        vst3q_u8(rgb, out);
    }
    return x;
}

LVT_INLINE size_t convert_layout(const lvt_yuv_rgb_args *a, const bool is_u_first) {
    if (a->y_step == 2)
        return a->y < a->u && a->y < a->v ? convert(a, LUMA_FIRST, is_u_first)
                                          : convert(a, CHROMA_FIRST, is_u_first);
    return a->chroma_step == 2 ? convert(a, PAIRS, is_u_first) : convert(a, PLANES, is_u_first);
}

void lvt_yuv_rgb_u8__neon(const lvt_yuv_rgb_args *a) {
    const size_t x = a->u < a->v ? convert_layout(a, true) : convert_layout(a, false);
    const lvt_yuv_rgb_args rest = lvt_yuv_rgb_rest(a, x);
    lvt_yuv_rgb_u8__scalar(&rest);
}
#endif
