// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a 16-column row, shared by neon and neondot.
#pragma once
#include "internal/gemm.h"
#include <arm_neon.h>

/// saturate(zero_point + rne(v)) of 16 values: FCVTNS rounds to nearest even.
LVT_INLINE void lvt_quantize_s16_x16(const float32x4_t v[4], int32_t zero_point, int16x8_t q[2]) {
    const int16x8_t zero_points = vdupq_n_s16((int16_t)zero_point);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const int16x4_t low = vqmovn_s32(vcvtnq_s32_f32(v[2 * i]));
        const int16x4_t high = vqmovn_s32(vcvtnq_s32_f32(v[2 * i + 1]));
        q[i] = vqaddq_s16(vcombine_s16(low, high), zero_points);
    }
}

/// clamp(zero_point + rne(v), lo, hi) of 16 values.
LVT_INLINE int8x16_t lvt_quantize_x16(const float32x4_t v[4],
                                      int32_t zero_point,
                                      int32_t lo,
                                      int32_t hi) {
    int16x8_t wide[2];
    lvt_quantize_s16_x16(v, zero_point, wide);
    const int8x16_t q = vcombine_s8(vqmovn_s16(wide[0]), vqmovn_s16(wide[1]));
    return vminq_s8(vmaxq_s8(q, vdupq_n_s8((int8_t)lo)), vdupq_n_s8((int8_t)hi));
}

/// v += f32(r - zero_point) * multiplier of 16 values, int8 or int16.
LVT_INLINE void lvt_add_residual_x16(float32x4_t v[4],
                                     const void *residual,
                                     const int is_s16,
                                     int32_t zero_point,
                                     float multiplier) {
    int16x8_t r[2];
    if (is_s16) {
        r[0] = vld1q_s16(residual);
        r[1] = vld1q_s16((const int16_t *)residual + 8);
    } else {
        const int8x16_t r_s8 = vld1q_s8(residual);
        r[0] = vmovl_s8(vget_low_s8(r_s8));
        r[1] = vmovl_high_s8(r_s8);
    }
    const int16x4_t zero_points = vdup_n_s16((int16_t)zero_point);
    LVT_UNROLL for (size_t i = 0; i < 4; i++) {
        const int16x4_t quarter = i % 2 ? vget_high_s16(r[i / 2]) : vget_low_s16(r[i / 2]);
        const int32x4_t centred = vsubl_s16(quarter, zero_points);
        v[i] = vaddq_f32(v[i], vmulq_n_f32(vcvtq_f32_s32(centred), multiplier));
    }
}

/// Sixteen finished sums of one row: the epilogue of lvt_gemm_args.
LVT_INLINE void lvt_gemm_finish(const lvt_gemm_args *g,
                                const int32x4_t sums[4],
                                const lvt_panel *panel,
                                size_t row,
                                size_t panel_index) {
    void *out = lvt_gemm_out(g, row, panel_index);
    if (g->output == LVT_OUTPUT_S32) {
        LVT_UNROLL for (size_t i = 0; i < 4; i++) vst1q_s32((int32_t *)out + 4 * i, sums[i]);
        return;
    }
    float32x4_t v[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) v[i] =
        vmulq_f32(vcvtq_f32_s32(sums[i]), vld1q_f32(panel->multiplier + 4 * i));
    const void *residual = lvt_gemm_residual(g, row, panel_index);
    if (residual && g->is_residual_behind_relu) {
        LVT_UNROLL for (size_t i = 0; i < 4; i++) v[i] = vmaxq_f32(v[i], vdupq_n_f32(0));
    }
    if (residual)
        lvt_add_residual_x16(v,
                             residual,
                             g->output == LVT_OUTPUT_S16,
                             g->residual_zero_point,
                             g->residual_multiplier);
    if (g->output == LVT_OUTPUT_S16) {
        LVT_UNROLL for (size_t i = 0; i < 4; i++)
            vst1_s16((int16_t *)out + 4 * i, vqmovn_s32(vcvtnq_s32_f32(v[i])));
        return;
    }
    vst1q_s8(out, lvt_quantize_x16(v, g->out_zero_point, g->out_lo, g->out_hi));
}
