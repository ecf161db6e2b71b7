// SPDX-License-Identifier: Apache-2.0
//
// Sums of int16 products on AVX2. Include inside a target region.
#pragma once
#include "internal/target_region.h"
#include <immintrin.h>

/// sums + the products of int16, two in a lane.
LVT_INLINE __m256i lvt_add_pairs(__m256i sums, __m256i a, __m256i b) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
}
