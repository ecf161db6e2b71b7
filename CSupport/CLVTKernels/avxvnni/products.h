// SPDX-License-Identifier: Apache-2.0
//
// Sums of int16 products on AVX-VNNI. Include inside a target region.
#pragma once
#include "internal/target_region.h"
#include <immintrin.h>

/// sums + the products of int16, two in a lane.
LVT_INLINE __m256i lvt_add_pairs(__m256i sums, __m256i a, __m256i b) {
#if defined(LVT_WITHOUT_ASSEMBLY)
    return _mm256_dpwssd_avx_epi32(sums, a, b);
#else
    // See avx512vnni/products.h.
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sums) : "x"(a), "x"(b));
    return sums;
#endif
}
