// SPDX-License-Identifier: Apache-2.0
//
// LayerNorm, 32 channels at a time. AVX-512 VNNI. Sums are exact integers, so their order does not
// matter; VPDPWSSD makes them, and n * q - S.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

LVT_INLINE __m512i load_s16x32(const void *row, size_t c, const int is_s16, __mmask32 exists) {
    return is_s16 ? _mm512_maskz_loadu_epi16(exists, (const int16_t *)row + c)
                  : _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(exists, (const int8_t *)row + c));
}

/// What a row's values are centred and scaled by.
typedef struct {
    __m512i n, minus_sum; // of (n, 0) and of -S
    __m512 k;
} statistics;

LVT_INLINE statistics measure(const lvt_layernorm_args *l, const void *row, const int is_s16) {
    const size_t n = l->channels;
    const __m512i ones = _mm512_set1_epi16(1), zero = _mm512_setzero_si512();
    __m512i sums = zero, squares = zero; // 16 x int32; the squares of int16 8 x int64
    for (size_t c = 0; c < n; c += 32) {
        const __mmask32 exists = n - c < 32 ? (1u << (n - c)) - 1 : ~0u;
        const __m512i q = load_s16x32(row, c, is_s16, exists);
        sums = _mm512_dpwssd_epi32(sums, q, ones);
        if (is_s16) {
            // A pair of squares is at most 2^31: unsigned 32 bits hold it.
            const __m512i pairs = _mm512_madd_epi16(q, q);
            squares = _mm512_add_epi64(squares, _mm512_srli_epi64(pairs, 32));
            squares = _mm512_add_epi64(squares, _mm512_maskz_mov_epi32(0x5555, pairs));
        } else {
            squares = _mm512_dpwssd_epi32(squares, q, q); // 2^14 * 2^14 at most
        }
    }
    // Any number of 16384 int16 values at most fits.
    const int64_t sum = _mm512_reduce_add_epi32(sums);
    const int64_t square =
        is_s16 ? _mm512_reduce_add_epi64(squares) : _mm512_reduce_add_epi32(squares);
    const float variance = (float)((int64_t)n * square - sum * sum) * l->inv_n2;
    const float root = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + l->epsilon)));
    return (statistics){.n = _mm512_set1_epi32((int32_t)n),
                        .minus_sum = _mm512_set1_epi32(-(int32_t)sum),
                        .k = _mm512_set1_ps((1.0f / root) * l->inv_n)};
}

LVT_INLINE __m512i normalize_x16(const statistics *s,
                                 __m256i q_s16x16,
                                 const float *gamma,
                                 const float *beta) {
    // The upper half of a lane is the sign, and is multiplied by 0.
    const __m512i centred =
        _mm512_dpwssd_epi32(s->minus_sum, _mm512_cvtepi16_epi32(q_s16x16), s->n);
    const __m512 scaled =
        _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(centred), s->k), _mm512_loadu_ps(gamma));
    const __m512 v = _mm512_add_ps(scaled, _mm512_loadu_ps(beta));
    // What is too large would become the least integer, as what is too small may.
    return _mm512_cvtps_epi32(_mm512_min_ps(v, _mm512_set1_ps(65536.0f)));
}

LVT_INLINE void run(const lvt_layernorm_args *l, const int is_s16) {
    const size_t pitch = (l->channels + 15) / 16 * 16;
    const __m512i zero_point = _mm512_set1_epi16((int16_t)l->out_zero_point);
    for (size_t i = 0; i < l->rows; i++) {
        const char *row = (const char *)l->in + i * l->in_stride;
        const statistics s = measure(l, row, is_s16);
        for (size_t c = 0; c < pitch; c += 32) {
            const bool is_whole = pitch - c >= 32;
            const __m512i q = load_s16x32(row, c, is_s16, is_whole ? ~0u : 0xffff);
            const size_t second = is_whole ? c + 16 : c;
            const __m512i q0 =
                normalize_x16(&s, _mm512_castsi512_si256(q), l->gamma + c, l->beta + c);
            const __m512i q1 = normalize_x16(
                &s, _mm512_extracti64x4_epi64(q, 1), l->gamma + second, l->beta + second);
            const __m512i out = _mm512_adds_epi16(
                _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                         _mm512_packs_epi32(q0, q1)),
                zero_point);
            char *to = (char *)l->out + i * l->out_stride + (c << l->out_is_s16);
            const __mmask32 stored = is_whole ? ~0u : 0xffff;
            if (l->out_is_s16)
                _mm512_mask_storeu_epi16(to, stored, out);
            else
                _mm256_mask_storeu_epi8(to, stored, _mm512_cvtsepi16_epi8(out));
        }
    }
}

void lvt_layernorm__avx512vnni(const lvt_layernorm_args *l) {
    if (l->in_is_s16)
        run(l, 1);
    else
        run(l, 0);
}

LVT_TARGET_END
#endif
