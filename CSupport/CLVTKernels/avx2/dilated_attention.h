// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, one head of one position at a time: nine dot products on int16, then the
// values of two neighbours side by side. Shared by AVX2 and AVX-VNNI. Sums are exact integers.
//
// The including file defines lvt_add_pairs before.
#pragma once
#include "avx2/attention.h"

/// The sums of the lanes of eight vectors.
LVT_INLINE __m256i sum_lanes(const __m256i v[8]) {
    const __m256i a =
        _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    const __m256i b =
        _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

/// Adds the products of n channels, at most 16, of a query and its keys.
LVT_INLINE void add_products(__m256i sums[LVT_NEIGHBOURS],
                             const int8_t *q,
                             const lvt_neighbour_rows k,
                             size_t c,
                             const size_t n) {
    const __m256i query = _mm256_cvtepi8_epi16(lvt_load_bytes(q + c, n));
    LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) sums[i] =
        lvt_add_pairs(sums[i], query, _mm256_cvtepi8_epi16(lvt_load_bytes(k[i] + c, n)));
}

LVT_INLINE int32_t lvt_dilated_weigh(const lvt_dilated_attention_args *a,
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim,
                                     int16_t weights[16]) {
    __m256i sums[LVT_NEIGHBOURS];
    LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) sums[i] = _mm256_setzero_si256();
    size_t c = 0;
    for (; c + 16 <= head_dim; c += 16)
        add_products(sums, q, k, c, 16);
    if (head_dim - c == 8)
        add_products(sums, q, k, c, 8);
    else if (c < head_dim)
        add_products(sums, q, k, c, head_dim - c);
    const __m256 multiplier = _mm256_set1_ps(a->score_multiplier);
    const __m256i first = lvt_scores_x8(sum_lanes(sums), multiplier);
    const __m256i last = lvt_scores_x8(
        _mm256_castsi128_si256(_mm_cvtsi32_si128(lvt_sum_of_lanes(sums[8]))), multiplier);
    const __m256i second = _mm256_blend_epi32(_mm256_set1_epi32(LVT_ATTENTION_MASKED), last, 1);
    const __m256i greatest = _mm256_set1_epi32(lvt_greatest_lane(_mm256_max_epi32(first, second)));
    const __m256i w0 = lvt_weights_x8(first, greatest, 0);
    const __m256i w1 = lvt_weights_x8(second, greatest, 0);
    _mm256_storeu_si256((__m256i *)weights, lvt_pack_x16(w0, w1));
    return lvt_sum_of_lanes(_mm256_add_epi32(w0, w1));
}

/// The weighted means of n channels, at most 16.
LVT_INLINE void add_some_values(const lvt_dilated_attention_args *a,
                                const lvt_neighbour_rows v,
                                const int16_t weights[16],
                                float multiplier,
                                int8_t *out,
                                size_t c,
                                const size_t n) {
    __m256i lo = _mm256_setzero_si256(), hi = _mm256_setzero_si256();
    LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i += 2) {
        const __m256i w = lvt_broadcast_pair(weights + i);
        const __m128i v0 = lvt_load_bytes(v[i] + c, n), v1 = lvt_load_bytes(v[i + 1] + c, n);
        lo = lvt_add_pairs(lo, w, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(v0, v1)));
        if (n > 8)
            hi = lvt_add_pairs(hi, w, _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(v0, v1)));
    }
    const __m256 m = _mm256_set1_ps(multiplier);
    const __m256i first = lvt_means_x8(lo, m), second = n > 8 ? lvt_means_x8(hi, m) : first;
    lvt_store_x16(first, second, a->out_zero_point, out + c, n);
}

LVT_INLINE void lvt_dilated_add_values(const lvt_dilated_attention_args *a,
                                       const lvt_neighbour_rows v,
                                       const int16_t weights[16],
                                       float multiplier,
                                       const size_t head_dim,
                                       int8_t *out) {
    size_t c = 0;
    for (; c + 16 <= head_dim; c += 16)
        add_some_values(a, v, weights, multiplier, out, c, 16);
    if (head_dim - c == 8)
        add_some_values(a, v, weights, multiplier, out, c, 8);
    else if (c < head_dim)
        add_some_values(a, v, weights, multiplier, out, c, head_dim - c);
}
