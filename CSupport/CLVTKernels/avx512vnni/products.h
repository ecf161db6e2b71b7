// SPDX-License-Identifier: Apache-2.0
//
// Sums of int16 products on AVX-512, and masks. Include inside a target region.
#pragma once
#include "internal/target_region.h"
#include <immintrin.h>
#include <stddef.h>

/// The lowest `n` of a vector's lanes, all from `n` = 64 on.
LVT_INLINE __mmask64 lvt_lanes(size_t n) {
    return n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
}

/// sums + the products of int16, two in a lane.
LVT_INLINE __m512i lvt_add_pairs(__m512i sums, __m512i a, __m512i b) {
#if defined(LVT_WITHOUT_ASSEMBLY)
    return _mm512_dpwssd_epi32(sums, a, b);
#else
    // Clang would make two instructions of it where it thinks that sums wait for each other.
    // tools/check-simde does without.
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
#endif
}

/// The same for the lower half.
LVT_INLINE __m512i lvt_add_half(__m512i sums, __m256i a, __m512i b) {
    __m256i low = _mm512_castsi512_si256(sums);
    const __m256i low_b = _mm512_castsi512_si256(b);
#if defined(LVT_WITHOUT_ASSEMBLY)
    low = _mm256_dpwssd_epi32(low, a, low_b);
#else
    __asm__("vpdpwssd %2, %1, %0" : "+v"(low) : "v"(a), "v"(low_b));
#endif
    return _mm512_inserti64x4(_mm512_setzero_si512(), low, 0);
}
