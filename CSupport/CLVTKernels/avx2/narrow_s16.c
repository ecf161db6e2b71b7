// SPDX-License-Identifier: Apache-2.0
//
// Int16 values as int8, 16 at a time. AVX2.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE __m256i scale_x8(__m128i q_s16x8, __m256 multiplier) {
    return _mm256_cvtps_epi32(
        _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(q_s16x8)), multiplier));
}

void lvt_narrow_s16__avx2(const lvt_narrow_args *n) {
    const __m256 multiplier = _mm256_set1_ps(n->multiplier);
    const __m256i zero_point = _mm256_set1_epi16((int16_t)n->out_zero_point);
    for (size_t row = 0; row < n->rows; row++) {
        const __m128i *in = (const void *)((const char *)n->in + row * n->in_stride);
        int8_t *out = n->out + row * n->out_stride;
        for (size_t c = 0; c < n->channels; c += 16, in += 2) {
            const __m256i q0 = scale_x8(_mm_loadu_si128(in), multiplier);
            const __m256i q1 = scale_x8(_mm_loadu_si128(in + 1), multiplier);
            __m256i q =
                _mm256_permute4x64_epi64(_mm256_packs_epi32(q0, q1), _MM_SHUFFLE(3, 1, 2, 0));
            q = _mm256_adds_epi16(q, zero_point);
            _mm_storeu_si128(
                (__m128i *)(out + c),
                _mm_packs_epi16(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1)));
        }
    }
}

LVT_TARGET_END
#endif
