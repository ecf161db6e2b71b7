// SPDX-License-Identifier: Apache-2.0
//
// Sums of int8 products without the dot product, shared by gemm_s8.c and dwconv_s8.c.
//
// SMULL and SMLAL put two products into one int16 lane, which is exact because weights stay in
// [-127, 127]: 2 * 128 * 127 = 32512. SADALP adds neighbouring lanes to int32, so of groups of four
// products each lane of `sums` holds one half: sums[0] of the groups in the low half of the
// operands, sums[1] of those in the high half.
#pragma once
#include "internal/target_region.h"
#include <arm_neon.h>

/// sums += x * w.
LVT_INLINE void lvt_add_products(int32x4_t sums[2], int8x16_t x, int8x16_t w) {
    sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    sums[1] = vpadalq_s16(sums[1], vmull_high_s8(x, w));
}

/// sums += x0 * w0 + x1 * w1.
LVT_INLINE void
lvt_add_products_x2(int32x4_t sums[2], int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
    const int16x8_t low = vmull_s8(vget_low_s8(x0), vget_low_s8(w0));
    const int16x8_t high = vmull_high_s8(x0, w0);
    sums[0] = vpadalq_s16(sums[0], vmlal_s8(low, vget_low_s8(x1), vget_low_s8(w1)));
    sums[1] = vpadalq_s16(sums[1], vmlal_high_s8(high, x1, w1));
}

/// Four finished sums for each group of four products.
LVT_INLINE int32x4_t lvt_join_sums(const int32x4_t sums[2]) {
    return vpaddq_s32(sums[0], sums[1]);
}

/// Makes the compiler finish `sums` before it loads what follows. Clang would multiply for every
/// column before it adds for the first, and has not the registers for that.
LVT_INLINE void lvt_finish_first(int32x4_t sums[2]) {
    __asm__ volatile("" : "+w"(sums[0]), "+w"(sums[1]));
}
