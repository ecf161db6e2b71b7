// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels share: the exponential in integers and where a query's biases are.
#pragma once
#include "include/CLVTKernels.h"

enum {
    LVT_ATTENTION_MASKED = -(1 << 30), ///< Below any score by more than LVT_WEIGHT_REACH.
    LVT_WEIGHT_REACH = (16 << 10) - 1, ///< Here and beyond, a weight is 0.
    // 2^-x for x in [0, 1): 1 + x * (C1 + x * (C2 + x * C3)) in units of 2^-15.
    LVT_EXP2_C1 = -22656,
    LVT_EXP2_C2 = 7555,
    LVT_EXP2_C3 = -1283,
};

/// (a * b + 2^14) >> 15: what PMULHRSW and SQRDMULH compute.
static inline int32_t lvt_multiply_q15(int32_t a, int32_t b) {
    return (a * b + 0x4000) >> 15;
}

/// About 32767 * 2^(-distance / 1024), in [0, 32767]; `distance` is not negative.
static inline int32_t lvt_attention_weight(int32_t distance) {
    const int32_t d = distance < LVT_WEIGHT_REACH ? distance : LVT_WEIGHT_REACH;
    const int32_t x = (d & 1023) << 5;
    int32_t p = LVT_EXP2_C2 + lvt_multiply_q15(LVT_EXP2_C3, x);
    p = LVT_EXP2_C1 + lvt_multiply_q15(p, x);
    p = INT16_MAX + lvt_multiply_q15(p, x);
    return p >> (d >> 10);
}

/// Where the biases of a query for the window's first row of keys start; NULL if there are none.
static inline const int32_t *
lvt_attention_bias(const lvt_attention_args *a, size_t head, size_t query) {
    if (!a->bias)
        return NULL;
    const size_t edge = 2 * a->window - 1, last = a->window - 1;
    return a->bias + head * edge * edge + (last - query / a->window) * edge +
           (last - query % a->window);
}
