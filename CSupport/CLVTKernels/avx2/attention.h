// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels share on AVX2. Include inside a target region.
#pragma once
#include "internal/attention.h"
#include <immintrin.h>

/// The first `n` bytes at `in`, at most 16, and zeros.
LVT_INLINE __m128i lvt_load_bytes(const int8_t *in, size_t n) {
    if (n >= 16)
        return _mm_loadu_si128((const __m128i *)in);
    if (n == 8)
        return _mm_loadl_epi64((const __m128i *)in);
    int8_t bytes[16] = {0};
    for (size_t i = 0; i < n; i++)
        bytes[i] = in[i];
    return _mm_loadu_si128((const __m128i *)bytes);
}

/// Two neighbouring int16 in all pairs of lanes.
LVT_INLINE __m256i lvt_broadcast_pair(const int16_t *pair) {
    int32_t both;
    memcpy(&both, pair, sizeof both);
    return _mm256_set1_epi32(both);
}

/// rne(clamp(v, -2^21, 2^21)), which is what lvt_round_to_even computes.
LVT_INLINE __m256i lvt_round_x8(__m256 v) {
    const __m256 reach = _mm256_set1_ps(2097152.0f);
    return _mm256_cvtps_epi32(
        _mm256_min_ps(_mm256_max_ps(v, _mm256_sub_ps(_mm256_setzero_ps(), reach)), reach));
}

/// Scores of eight sums.
LVT_INLINE __m256i lvt_scores_x8(__m256i sums, __m256 multipliers) {
    return lvt_round_x8(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), multipliers));
}

/// lvt_attention_weight of the distances from `greatest` to eight scores.
LVT_INLINE __m256i lvt_weights_x8(__m256i scores, __m256i greatest, int32_t shift) {
    const __m256i d =
        _mm256_min_epi32(_mm256_sub_epi32(greatest, scores), _mm256_set1_epi32(LVT_WEIGHT_REACH));
    const __m256i x = _mm256_slli_epi32(_mm256_and_si256(d, _mm256_set1_epi32(1023)), 5);
    // VPMULHRSW on the lower halves; the upper halves of x are 0 and stay so.
    __m256i p = _mm256_mulhrs_epi16(_mm256_set1_epi32(LVT_EXP2_C3), x);
    p = _mm256_mulhrs_epi16(_mm256_add_epi16(p, _mm256_set1_epi16(LVT_EXP2_C2)), x);
    p = _mm256_mulhrs_epi16(_mm256_add_epi16(p, _mm256_set1_epi16(LVT_EXP2_C1)), x);
    p = _mm256_add_epi16(p, _mm256_set1_epi32(INT16_MAX));
    return _mm256_srlv_epi32(p,
                             _mm256_add_epi32(_mm256_srli_epi32(d, 10), _mm256_set1_epi32(shift)));
}

/// Sixteen integers as int16, in order.
LVT_INLINE __m256i lvt_pack_x16(__m256i first, __m256i second) {
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), _MM_SHUFFLE(3, 1, 2, 0));
}

LVT_INLINE int32_t lvt_greatest_lane(__m256i v) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(1, 0, 3, 2)));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(m);
}

LVT_INLINE int32_t lvt_sum_of_lanes(__m256i v) {
    __m128i m = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_add_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(1, 0, 3, 2)));
    m = _mm_add_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(m);
}

/// Stores the first `n` of sixteen integers, with the zero point added, as int8.
LVT_INLINE void
lvt_store_x16(__m256i first, __m256i second, int32_t zero_point, int8_t *out, size_t n) {
    const __m256i zero_points = _mm256_set1_epi32(zero_point);
    const __m256i s16 =
        lvt_pack_x16(_mm256_add_epi32(first, zero_points), _mm256_add_epi32(second, zero_points));
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(s16), _mm256_extracti128_si256(s16, 1));
    if (n >= 16)
        _mm_storeu_si128((__m128i *)out, bytes);
    else if (n == 8)
        _mm_storel_epi64((__m128i *)out, bytes);
    else
        memcpy(out, &bytes, n);
}

/// Eight weighted sums, rounded.
LVT_INLINE __m256i lvt_means_x8(__m256i sums, __m256 multipliers) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), multipliers));
}

/// f32(n * a - s * v) of eight sums each: exact in binary64, as |n * a| < 2^53.
LVT_INLINE __m256 lvt_centred_x8(__m256d n, __m256i a, __m256i s, __m256i v) {
    __m128 parts[2];
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const __m128i a4 = i ? _mm256_extracti128_si256(a, 1) : _mm256_castsi256_si128(a);
        const __m128i s4 = i ? _mm256_extracti128_si256(s, 1) : _mm256_castsi256_si128(s);
        const __m128i v4 = i ? _mm256_extracti128_si256(v, 1) : _mm256_castsi256_si128(v);
        const __m256d sums = _mm256_mul_pd(n, _mm256_cvtepi32_pd(a4));
        const __m256d means = _mm256_mul_pd(_mm256_cvtepi32_pd(s4), _mm256_cvtepi32_pd(v4));
        parts[i] = _mm256_cvtpd_ps(_mm256_sub_pd(sums, means));
    }
    return _mm256_set_m128(parts[1], parts[0]);
}
