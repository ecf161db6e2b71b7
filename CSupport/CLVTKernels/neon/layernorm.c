// SPDX-License-Identifier: Apache-2.0
//
// LayerNorm, 16 channels at a time. NEON. Sums are exact integers, so their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"
#include <math.h>

LVT_INLINE int16x8_t load_s16x8(const void *row, size_t c, const int is_s16) {
    return is_s16 ? vld1q_s16((const int16_t *)row + c)
                  : vmovl_s8(vld1_s8((const int8_t *)row + c));
}

LVT_INLINE void run(const lvt_layernorm_args *l, const int is_s16) {
    const size_t n = l->channels, whole = n / 8 * 8, pitch = (n + 15) / 16 * 16;
    // All ones for the channels of the last 8 that exist, 0 for padding.
    int16_t tail[8] = {0};
    for (size_t c = whole; c < n; c++)
        tail[c - whole] = -1;
    const int16x8_t tail_mask = vld1q_s16(tail);
    for (size_t i = 0; i < l->rows; i++) {
        const char *row = (const char *)l->in + i * l->in_stride;
        int32x4_t sums = vdupq_n_s32(0);
        int64x2_t squares = vdupq_n_s64(0);
        for (size_t c = 0; c < n; c += 8) {
            int16x8_t q = load_s16x8(row, c, is_s16);
            if (c >= whole)
                q = vandq_s16(q, tail_mask);
            sums = vpadalq_s16(sums, q);
            squares = vpadalq_s32(squares, vmull_s16(vget_low_s16(q), vget_low_s16(q)));
            squares = vpadalq_s32(squares, vmull_high_s16(q, q));
        }
        const int64_t sum = vaddlvq_s32(sums);
        const int64_t spread = (int64_t)n * vaddvq_s64(squares) - sum * sum;
        const float variance = (float)spread * l->inv_n2;
        const float32x4_t k = vdupq_n_f32((1.0f / sqrtf(variance + l->epsilon)) * l->inv_n);
        const int32x4_t sum_s32 = vdupq_n_s32((int32_t)sum);
        for (size_t c = 0; c < pitch; c += 16) {
            float32x4_t v[4];
            LVT_UNROLL for (size_t j = 0; j < 4; j++) {
                const int16x8_t q = load_s16x8(row, c + j / 2 * 8, is_s16);
                const int32x4_t q_s32 = vmovl_s16(j % 2 ? vget_high_s16(q) : vget_low_s16(q));
                const int32x4_t centred = vsubq_s32(vmulq_n_s32(q_s32, (int32_t)n), sum_s32);
                const float32x4_t scaled = vmulq_f32(vmulq_f32(vcvtq_f32_s32(centred), k),
                                                     vld1q_f32(l->gamma + c + 4 * j));
                v[j] = vaddq_f32(scaled, vld1q_f32(l->beta + c + 4 * j));
            }
            char *out = (char *)l->out + i * l->out_stride + (c << l->out_is_s16);
            if (l->out_is_s16) {
                int16x8_t q[2];
                lvt_quantize_s16_x16(v, l->out_zero_point, q);
                vst1q_s16((int16_t *)(void *)out, q[0]);
                vst1q_s16((int16_t *)(void *)out + 8, q[1]);
            } else {
                vst1q_s8((int8_t *)out, lvt_quantize_x16(v, l->out_zero_point));
            }
        }
    }
}

void lvt_layernorm__neon(const lvt_layernorm_args *l) {
    if (l->in_is_s16)
        run(l, 1);
    else
        run(l, 0);
}
#endif
