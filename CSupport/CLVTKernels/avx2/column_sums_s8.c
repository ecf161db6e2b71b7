// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

void lvt_column_sums_s8__avx2(
    const int8_t *in, size_t stride, size_t rows, size_t channels, int32_t *sums) {
    for (size_t c = 0; c < channels; c += 16) {
        __m256i low = _mm256_setzero_si256(), high = low;
        for (size_t i = 0; i < rows; i++) {
            const __m128i q = _mm_loadu_si128((const __m128i *)(in + i * stride + c));
            low = _mm256_add_epi32(low, _mm256_cvtepi8_epi32(q));
            high = _mm256_add_epi32(high, _mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
        }
        _mm256_storeu_si256((__m256i *)(sums + c), low);
        _mm256_storeu_si256((__m256i *)(sums + c + 8), high);
    }
}

LVT_TARGET_END
#endif
