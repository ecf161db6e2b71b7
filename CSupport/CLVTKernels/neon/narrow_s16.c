// SPDX-License-Identifier: Apache-2.0
//
// Int16 values as int8, 16 at a time. NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"

void lvt_narrow_s16__neon(const lvt_narrow_args *n) {
    for (size_t row = 0; row < n->rows; row++) {
        const int16_t *in = (const void *)((const char *)n->in + row * n->in_stride);
        int8_t *out = n->out + row * n->out_stride;
        for (size_t c = 0; c < n->channels; c += 16) {
            float32x4_t v[4];
            LVT_UNROLL for (size_t i = 0; i < 4; i++) v[i] =
                vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vld1_s16(in + c + 4 * i))), n->multiplier);
            vst1q_s8(out + c, lvt_quantize_x16(v, n->out_zero_point));
        }
    }
}
#endif
