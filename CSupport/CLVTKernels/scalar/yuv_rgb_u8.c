// SPDX-License-Identifier: Apache-2.0
//
// Luma and chroma as RGB, the definition. The formula is at lvt_yuv_matrix.
#include "internal/kernels.h"
#include "internal/picture.h"

void lvt_yuv_rgb_u8__scalar(const lvt_yuv_rgb_args *a) {
    const lvt_yuv_matrix m = a->matrix;
    for (size_t x = 0; x < a->width; x++) {
        const int32_t u = a->u[x / 2 * a->chroma_step] - 128;
        const int32_t v = a->v[x / 2 * a->chroma_step] - 128;
        const int32_t luma =
            m.luma * (a->y[x * a->y_step] - m.luma_offset) + (1 << (LVT_YUV_SHIFT - 1));
        a->rgb[3 * x] = lvt_clamp_u8((luma + m.red_v * v) >> LVT_YUV_SHIFT);
        a->rgb[3 * x + 1] = lvt_clamp_u8((luma + m.green_u * u + m.green_v * v) >> LVT_YUV_SHIFT);
        a->rgb[3 * x + 2] = lvt_clamp_u8((luma + m.blue_u * u) >> LVT_YUV_SHIFT);
    }
}
