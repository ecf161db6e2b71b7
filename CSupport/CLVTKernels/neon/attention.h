// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels share on NEON.
#pragma once
#include "internal/attention.h"
#include <arm_neon.h>

/// The first `n` bytes at `in`, at most 8, and zeros, widened.
LVT_INLINE int16x8_t lvt_load_s16x8(const int8_t *in, size_t n) {
    if (n >= 8)
        return vmovl_s8(vld1_s8(in));
    int8_t bytes[8] = {0};
    for (size_t i = 0; i < n; i++)
        bytes[i] = in[i];
    return vmovl_s8(vld1_s8(bytes));
}

/// The first `n` bytes at `in`, at most 16, and zeros.
LVT_INLINE int8x16_t lvt_load_s8x16(const int8_t *in, size_t n) {
    if (n >= 16)
        return vld1q_s8(in);
    if (n == 8)
        return vcombine_s8(vld1_s8(in), vdup_n_s8(0));
    int8_t bytes[16] = {0};
    for (size_t i = 0; i < n; i++)
        bytes[i] = in[i];
    return vld1q_s8(bytes);
}

/// rne(clamp(v, -2^21, 2^21)), which is what lvt_round_to_even computes.
LVT_INLINE int32x4_t lvt_round_x4(float32x4_t v) {
    return vcvtnq_s32_f32(
        vminq_f32(vmaxq_f32(v, vdupq_n_f32(-2097152.0f)), vdupq_n_f32(2097152.0f)));
}

/// Scores of four sums.
LVT_INLINE int32x4_t lvt_scores_x4(int32x4_t sums, float32x4_t multipliers) {
    return lvt_round_x4(vmulq_f32(vcvtq_f32_s32(sums), multipliers));
}

/// Eight distances, at most `reach`.
LVT_INLINE int16x8_t lvt_distances_x8(int32x4_t first, int32x4_t second, int16x8_t reach) {
    return vminq_s16(vqmovn_high_s32(vqmovn_s32(first), second), reach);
}

/// lvt_attention_weight of eight distances of at most LVT_WEIGHT_REACH, without a shift; a shift by
/// s is made by distances that are 1024 s greater. SQRDMULH is lvt_multiply_q15.
LVT_INLINE int16x8_t lvt_weights_x8(int16x8_t d) {
    const int16x8_t x = vshlq_n_s16(vandq_s16(d, vdupq_n_s16(1023)), 5);
    int16x8_t p = vaddq_s16(vdupq_n_s16(LVT_EXP2_C2), vqrdmulhq_n_s16(x, LVT_EXP2_C3));
    p = vaddq_s16(vdupq_n_s16(LVT_EXP2_C1), vqrdmulhq_s16(p, x));
    p = vaddq_s16(vdupq_n_s16(INT16_MAX), vqrdmulhq_s16(p, x));
    // SSHL shifts right by a negative number.
    return vshlq_s16(p, vnegq_s16(vshrq_n_s16(d, 10)));
}

/// Eight integers and a zero point as int8, of which `n`, at most 8, are stored.
LVT_INLINE void
lvt_store_x8(int32x4_t first, int32x4_t second, int32_t zero_point, int8_t *out, size_t n) {
    const int32x4_t zero_points = vdupq_n_s32(zero_point);
    first = vaddq_s32(first, zero_points);
    second = vaddq_s32(second, zero_points);
    const int8x8_t q = vqmovn_s16(vcombine_s16(vqmovn_s32(first), vqmovn_s32(second)));
    if (n >= 8) {
        vst1_s8(out, q);
        return;
    }
    int8_t bytes[8];
    vst1_s8(bytes, q);
    memcpy(out, bytes, n);
}

/// Four weighted sums, rounded.
LVT_INLINE int32x4_t lvt_means_x4(int32x4_t sums, float32x4_t multipliers) {
    return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums), multipliers));
}

/// f32(v) of four exact integers of at most 2^53: binary64 on the way rounds nothing.
LVT_INLINE float32x4_t lvt_to_f32x4(int64x2_t first, int64x2_t second) {
    return vcvt_high_f32_f64(vcvt_f32_f64(vcvtq_f64_s64(first)), vcvtq_f64_s64(second));
}

/// f32(n * a - s * v) of four sums each.
LVT_INLINE float32x4_t lvt_centred_x4(int32_t n, int32x4_t a, int32x4_t s, int32x4_t v) {
    const int64x2_t first = vmull_n_s32(vget_low_s32(a), n), second = vmull_high_n_s32(a, n);
    return lvt_to_f32x4(vmlsl_s32(first, vget_low_s32(s), vget_low_s32(v)),
                        vmlsl_high_s32(second, s, v));
}
