// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

void lvt_column_sums_s8__neon(
    const int8_t *in, size_t stride, size_t rows, size_t channels, int32_t *sums) {
    for (size_t c = 0; c < channels; c += 16) {
        int32x4_t acc[4];
        LVT_UNROLL for (size_t j = 0; j < 4; j++) acc[j] = vdupq_n_s32(0);
        for (size_t i = 0; i < rows; i++) {
            const int8x16_t q = vld1q_s8(in + i * stride + c);
            const int16x8_t half[2] = {vmovl_s8(vget_low_s8(q)), vmovl_high_s8(q)};
            LVT_UNROLL for (size_t j = 0; j < 4; j++) acc[j] =
                vaddw_s16(acc[j], j % 2 ? vget_high_s16(half[j / 2]) : vget_low_s16(half[j / 2]));
        }
        LVT_UNROLL for (size_t j = 0; j < 4; j++) vst1q_s32(sums + c + 4 * j, acc[j]);
    }
}
#endif
