// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels share on AVX-512. Include inside a target region.
#pragma once
#include "avx512vnni/products.h"
#include "internal/attention.h"

/// rne(clamp(v, -2^21, 2^21)), which is what lvt_round_to_even computes.
LVT_INLINE __m512i lvt_round_x16(__m512 v) {
    // Of two, the lesser absolute value with the first one's sign.
    return _mm512_cvtps_epi32(_mm512_range_ps(v, _mm512_set1_ps(2097152.0f), 2));
}

/// Scores of sixteen sums.
LVT_INLINE __m512i lvt_scores_x16(__m512i sums, __m512 multipliers) {
    return lvt_round_x16(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), multipliers));
}

/// lvt_attention_weight of 32 distances of at most LVT_WEIGHT_REACH, without a shift; a shift by s
/// is made by distances that are 1024 s greater.
LVT_INLINE __m512i lvt_weights_x32(__m512i d) {
    const __m512i x = _mm512_and_si512(_mm512_slli_epi16(d, 5), _mm512_set1_epi16(1023 << 5));
    __m512i p = _mm512_mulhrs_epi16(_mm512_set1_epi16(LVT_EXP2_C3), x);
    p = _mm512_mulhrs_epi16(_mm512_add_epi16(p, _mm512_set1_epi16(LVT_EXP2_C2)), x);
    p = _mm512_mulhrs_epi16(_mm512_add_epi16(p, _mm512_set1_epi16(LVT_EXP2_C1)), x);
    p = _mm512_add_epi16(p, _mm512_set1_epi16(INT16_MAX));
    return _mm512_srlv_epi16(p, _mm512_srli_epi16(d, 10));
}

/// The sum of each of eight vectors' lanes, or the greatest.
LVT_INLINE __m256i lvt_reduce_lanes(const __m512i v[8], const int is_sum) {
#define LVT_REDUCE(size, a, b) (is_sum ? _mm##size##_add_epi32(a, b) : _mm##size##_max_epi32(a, b))
    __m512i pairs[4];
    __m256i halves[2];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) pairs[i] =
        LVT_REDUCE(512,
                   _mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]),
                   _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const __m512i four = LVT_REDUCE(512,
                                        _mm512_unpacklo_epi64(pairs[2 * i], pairs[2 * i + 1]),
                                        _mm512_unpackhi_epi64(pairs[2 * i], pairs[2 * i + 1]));
        halves[i] =
            LVT_REDUCE(256, _mm512_castsi512_si256(four), _mm512_extracti64x4_epi64(four, 1));
    }
    return LVT_REDUCE(256,
                      _mm256_permute2x128_si256(halves[0], halves[1], 0x20),
                      _mm256_permute2x128_si256(halves[0], halves[1], 0x31));
#undef LVT_REDUCE
}

LVT_INLINE __m256i lvt_greatest_lanes(const __m512i v[8]) {
    return lvt_reduce_lanes(v, 0);
}

LVT_INLINE __m256i lvt_sums_of_lanes(const __m512i v[8]) {
    return lvt_reduce_lanes(v, 1);
}

LVT_INLINE int32_t lvt_sum_of_lanes(__m512i v) {
    const __m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i m = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    m = _mm_add_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(1, 0, 3, 2)));
    m = _mm_add_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(m);
}

/// Sixteen weighted sums, rounded.
LVT_INLINE __m512i lvt_means_x16(__m512i sums, __m512 multipliers) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), multipliers));
}

/// Transposes 4 x 4 blocks of dwords: lane 4 i + j of v[k] and 4 i + k of v[j] change places.
LVT_INLINE void lvt_transpose_quads(__m512i v[4]) {
    const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpackhi_epi32(v[0], v[1]);
    const __m512i c = _mm512_unpacklo_epi32(v[2], v[3]), d = _mm512_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm512_unpacklo_epi64(a, c);
    v[1] = _mm512_unpackhi_epi64(a, c);
    v[2] = _mm512_unpacklo_epi64(b, d);
    v[3] = _mm512_unpackhi_epi64(b, d);
}
