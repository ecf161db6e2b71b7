// SPDX-License-Identifier: Apache-2.0
//
// LayerNorm, 16 channels at a time. AVX2. Sums are exact integers, so their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE __m256i load_s16x16(const void *row, size_t c, const int is_s16) {
    return is_s16
               ? _mm256_loadu_si256((const __m256i *)((const int16_t *)row + c))
               : _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)((const int8_t *)row + c)));
}

LVT_INLINE int64_t sum_s64(__m256i v) {
    const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
}

LVT_INLINE __m256i normalize_x8(
    __m256i q_s32x8, __m256i n, __m256i sum, __m256 k, const float *gamma, const float *beta) {
    // The upper half of a lane is the sign, and is multiplied by 0.
    const __m256i centred = _mm256_sub_epi32(_mm256_madd_epi16(q_s32x8, n), sum);
    const __m256 scaled =
        _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(centred), k), _mm256_loadu_ps(gamma));
    const __m256 v = _mm256_add_ps(scaled, _mm256_loadu_ps(beta));
    // Gamma and beta come from the plan unbounded. What is too large would become the least
    // integer, as what is too small may.
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(65536.0f)));
}

LVT_INLINE void run(const lvt_layernorm_args *l, const int is_s16) {
    const size_t n = l->channels, whole = n / 16 * 16, pitch = (n + 15) / 16 * 16;
    // All ones for the channels of the last block that exist, 0 for padding.
    int16_t tail[16] = {0};
    for (size_t c = whole; c < n; c++)
        tail[c - whole] = -1;
    const __m256i tail_mask = _mm256_loadu_si256((const __m256i *)tail);
    const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
    for (size_t i = 0; i < l->rows; i++) {
        const char *row = (const char *)l->in + i * l->in_stride;
        __m256i sums = zero, squares = zero; // 8 x int32; 4 x int64
        for (size_t c = 0; c < pitch; c += 16) {
            __m256i q = load_s16x16(row, c, is_s16);
            if (c >= whole)
                q = _mm256_and_si256(q, tail_mask);
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(q, ones));
            // A pair of squares is at most 2^31: unsigned 32 bits hold it.
            const __m256i pairs = _mm256_madd_epi16(q, q);
            squares = _mm256_add_epi64(squares, _mm256_unpacklo_epi32(pairs, zero));
            squares = _mm256_add_epi64(squares, _mm256_unpackhi_epi32(pairs, zero));
        }
        const __m256i wide =
            _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(sums)),
                             _mm256_cvtepi32_epi64(_mm256_extracti128_si256(sums, 1)));
        const int64_t sum = sum_s64(wide);
        const int64_t spread = (int64_t)n * sum_s64(squares) - sum * sum;
        const float variance = (float)spread * l->inv_n2;
        const float root = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + l->epsilon)));
        const __m256 k = _mm256_set1_ps((1.0f / root) * l->inv_n);
        const __m256i n_s32 = _mm256_set1_epi32((int32_t)n),
                      sum_s32 = _mm256_set1_epi32((int32_t)sum);
        for (size_t c = 0; c < pitch; c += 16) {
            const __m256i q = load_s16x16(row, c, is_s16);
            const __m256i q0 = normalize_x8(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(q)),
                                            n_s32,
                                            sum_s32,
                                            k,
                                            l->gamma + c,
                                            l->beta + c);
            const __m256i q1 = normalize_x8(_mm256_cvtepi16_epi32(_mm256_extracti128_si256(q, 1)),
                                            n_s32,
                                            sum_s32,
                                            k,
                                            l->gamma + c + 8,
                                            l->beta + c + 8);
            __m256i out =
                _mm256_permute4x64_epi64(_mm256_packs_epi32(q0, q1), _MM_SHUFFLE(3, 1, 2, 0));
            out = _mm256_adds_epi16(out, _mm256_set1_epi16((int16_t)l->out_zero_point));
            char *to = (char *)l->out + i * l->out_stride + (c << l->out_is_s16);
            if (l->out_is_s16)
                _mm256_storeu_si256((__m256i *)to, out);
            else
                _mm_storeu_si128(
                    (__m128i *)to,
                    _mm_packs_epi16(_mm256_castsi256_si128(out), _mm256_extracti128_si256(out, 1)));
        }
    }
}

void lvt_layernorm__avx2(const lvt_layernorm_args *l) {
    if (l->in_is_s16)
        run(l, 1);
    else
        run(l, 0);
}

LVT_TARGET_END
#endif
