// SPDX-License-Identifier: Apache-2.0
//
// Panels of depth-wise filters made at run time, 8 channels at a time. AVX2. The four taps of a
// group are the four bytes of one 32-bit lane for each channel. Maxima are of numbers that are
// never NaN.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <float.h>
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE __m256 magnitude(__m256 v) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

LVT_INLINE __m256 bounded(__m256 v, float limit) {
    return _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(-limit)), _mm256_set1_ps(limit));
}

void lvt_pack_dwconv_f32__avx2(const lvt_pack_dwconv_args *d) {
    const size_t taps = d->kernel * d->kernel, groups = lvt_dwconv_groups(d->kernel);
    const __m256 least = _mm256_set1_ps(FLT_MIN), in_scale = _mm256_set1_ps(d->in_scale);
    const __m256i byte = _mm256_set1_epi32(255);
    for (size_t c = 0; c < LVT_BLOCK; c += 8) {
        __m256 greatest = _mm256_setzero_ps();
        for (size_t tap = 0; tap < taps; tap++)
            greatest = _mm256_max_ps(greatest,
                                     magnitude(_mm256_loadu_ps(d->weights + tap * LVT_BLOCK + c)));
        const __m256 real_bias = _mm256_loadu_ps(d->bias + c);
        const __m256 bias_scale =
            _mm256_mul_ps(_mm256_div_ps(magnitude(real_bias), in_scale), _mm256_set1_ps(0x1p-28f));
        const __m256 s = _mm256_max_ps(
            _mm256_max_ps(_mm256_div_ps(greatest, _mm256_set1_ps(127.0f)), bias_scale), least);
        const __m256 unit = _mm256_max_ps(_mm256_mul_ps(in_scale, s), least);
        __m256i sum = _mm256_setzero_si256();
        const float *w = d->weights + c;
        int8_t *out = d->panel->weights + c * 4;
        for (size_t y = 0; y < d->kernel; y++) {
            for (size_t g = 0; g < groups; g++, out += 64) {
                const size_t left = d->kernel - 4 * g, count = left < 4 ? left : 4;
                __m256i group = _mm256_setzero_si256();
                for (size_t i = 0; i < count; i++, w += LVT_BLOCK) {
                    const __m256i q =
                        _mm256_cvtps_epi32(bounded(_mm256_div_ps(_mm256_loadu_ps(w), s), 127.0f));
                    sum = _mm256_add_epi32(sum, q);
                    group = _mm256_or_si256(
                        group, _mm256_slli_epi32(_mm256_and_si256(q, byte), 8 * (int)i));
                }
                _mm256_storeu_si256((__m256i *)out, group);
            }
        }
        const __m256i bias = _mm256_cvtps_epi32(bounded(_mm256_div_ps(real_bias, unit), 0x1p30f));
        const __m256i shift = _mm256_mullo_epi32(_mm256_set1_epi32(d->in_zero_point), sum);
        _mm256_storeu_si256((__m256i *)(d->panel->column_sum + c), sum);
        _mm256_storeu_si256((__m256i *)(d->panel->bias + c), _mm256_sub_epi32(bias, shift));
        _mm256_storeu_ps(
            d->panel->multiplier + c,
            _mm256_min_ps(_mm256_div_ps(unit, _mm256_set1_ps(d->out_scale)), _mm256_set1_ps(0.5f)));
    }
}

LVT_TARGET_END
#endif
