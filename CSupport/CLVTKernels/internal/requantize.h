// SPDX-License-Identifier: Apache-2.0
//
// The one rounding rule, in plain C. Quantization.md, equations (3) and (4).
//
// q = clamp(zero_point + rne(f32(acc) * m), lo, hi)
//
// The vector kernels convert with the CPU's round-to-nearest-even instruction (VCVTPS2DQ, FCVTNS).
// Here the sum with 1.5 * 2^23 does the rounding, which is exact for |v| < 2^22; values beyond are
// clamped first, which changes nothing because every output type is narrower than 22 bits. The
// vector kernels need no clamp before the conversion: multipliers are at most 0.5 and |acc| is at
// most 2^31, so |f32(acc) * m| <= 2^30, and a residual adds at most 2^16 * 16384 = 2^30.
#pragma once
#include <stdint.h>

#pragma STDC FP_CONTRACT OFF

static inline int32_t lvt_round_to_even(float v) {
    const float limit = 2097152.0f, magic = 12582912.0f;
    v = v < -limit ? -limit : v;
    v = v > limit ? limit : v;
    const float shifted = v + magic;
    return (int32_t)(shifted - magic);
}

static inline int32_t lvt_clamp(int32_t v, int32_t lo, int32_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}
