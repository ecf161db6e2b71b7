// SPDX-License-Identifier: Apache-2.0
//
// A row of a grid, 16 channels at a time. AVX2.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

// above * (128 - weight) + below * weight: VPMADDUBSW has weights of 0 ... 128, and no sum
// saturates.
static void mix_rows(const lvt_resample_args *r) {
    const __m128i weights =
        _mm_set1_epi16((int16_t)((128 - r->below_weight) | r->below_weight << 8));
    for (size_t i = 0; i < r->width * r->pitch; i += 16) {
        const __m128i above = _mm_loadu_si128((const __m128i *)(r->above + i));
        const __m128i below = _mm_loadu_si128((const __m128i *)(r->below + i));
        __m128i *out = (__m128i *)(r->scratch + i);
        _mm_store_si128(out, _mm_maddubs_epi16(weights, _mm_unpacklo_epi8(above, below)));
        _mm_store_si128(out + 1, _mm_maddubs_epi16(weights, _mm_unpackhi_epi8(above, below)));
    }
}

void lvt_resample_s8__avx2(const lvt_resample_args *r) {
    mix_rows(r);
    const __m256i half = _mm256_set1_epi32(1 << 13);
    for (size_t x = 0; x < r->columns; x++) {
        const int32_t after = r->places[x].weight;
        const int16_t *v = r->scratch + (size_t)r->places[x].first * r->pitch;
        const int16_t *next = after ? v + r->pitch : v;
        const __m256i weights = _mm256_set1_epi32((128 - after) | after << 16);
        int8_t *out = r->out + x * r->pitch;
        for (size_t c = 0; c < r->pitch; c += 16) {
            const __m256i a = _mm256_load_si256((const __m256i *)(v + c));
            const __m256i b = _mm256_load_si256((const __m256i *)(next + c));
            __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights);
            __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights);
            low = _mm256_srai_epi32(_mm256_add_epi32(low, half), 14);
            high = _mm256_srai_epi32(_mm256_add_epi32(high, half), 14);
            // Both interleave within lanes, so that packing restores the order.
            const __m256i q = _mm256_packs_epi32(low, high);
            _mm_storeu_si128(
                (__m128i *)(out + c),
                _mm_packs_epi16(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1)));
        }
    }
}

LVT_TARGET_END
#endif
