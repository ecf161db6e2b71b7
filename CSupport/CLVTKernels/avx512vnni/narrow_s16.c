// SPDX-License-Identifier: Apache-2.0
//
// Int16 values as int8, 32 at a time. AVX-512.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

LVT_INLINE __m512i scale_x16(__m256i q_s16x16, __m512 multiplier) {
    return _mm512_cvtps_epi32(
        _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(q_s16x16)), multiplier));
}

void lvt_narrow_s16__avx512vnni(const lvt_narrow_args *n) {
    const __m512 multiplier = _mm512_set1_ps(n->multiplier);
    const __m512i zero_point = _mm512_set1_epi16((int16_t)n->out_zero_point);
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for (size_t row = 0; row < n->rows; row++) {
        const int16_t *in = (const void *)((const char *)n->in + row * n->in_stride);
        int8_t *out = n->out + row * n->out_stride;
        for (size_t c = 0; c < n->channels; c += 32) {
            const __mmask32 exists = n->channels - c < 32 ? 0xffff : ~0u;
            const __m512i q = _mm512_maskz_loadu_epi16(exists, in + c);
            const __m512i low = scale_x16(_mm512_castsi512_si256(q), multiplier);
            const __m512i high = scale_x16(_mm512_extracti64x4_epi64(q, 1), multiplier);
            const __m512i sums = _mm512_adds_epi16(
                _mm512_permutexvar_epi64(order, _mm512_packs_epi32(low, high)), zero_point);
            _mm256_mask_storeu_epi8(out + c, exists, _mm512_cvtsepi16_epi8(sums));
        }
    }
}

LVT_TARGET_END
#endif
