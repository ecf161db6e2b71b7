// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise attention, one position at a time, sixteen channels (softmax: eight) at once: a lane
// is a channel, so nothing is summed across lanes. Shared by AVX2 and AVX-VNNI. Sums are exact, so
// their order does not matter.
//
// The including file defines lvt_add_pairs before.
#pragma once
#include "avx2/attention.h"

LVT_INLINE __m256i load_s16x16(const int8_t *in) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)in));
}

LVT_INLINE __m256i load_s32x8(const int8_t *in) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)in));
}

/// Sums over neighbours of sixteen channels. Where there are two vectors, the first has channels
/// 0 ... 3 and 8 ... 11, the second the others, as VPUNPCK leaves them.
typedef struct {
    __m256i weights[2], weighted[2]; ///< 8 x int32
    __m256i even[2], odd[2];         ///< squares of weights: 4 x int64 of every second lane
    __m256i values;                  ///< 16 x int16, in order: 225 * 128 < 2^15
} sums_t;

/// Adds two neighbours' weights and values, and the squares of the weights, less than 2^31.
LVT_INLINE void
add_pair(sums_t *s, __m256i r0, __m256i r1, __m256i v0, __m256i v1, __m256i squares[2]) {
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i r[2] = {_mm256_unpacklo_epi16(r0, r1), _mm256_unpackhi_epi16(r0, r1)};
    const __m256i v[2] = {_mm256_unpacklo_epi16(v0, v1), _mm256_unpackhi_epi16(v0, v1)};
    s->values = _mm256_add_epi16(s->values, _mm256_add_epi16(v0, v1));
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        s->weights[i] = lvt_add_pairs(s->weights[i], r[i], ones);
        s->weighted[i] = lvt_add_pairs(s->weighted[i], r[i], v[i]);
        squares[i] = lvt_add_pairs(squares[i], r[i], r[i]);
    }
}

/// Adds unsigned 32-bit sums of squares.
LVT_INLINE void add_squares(sums_t *s, const __m256i squares[2]) {
    const __m256i low = _mm256_set1_epi64x(UINT32_MAX);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        s->even[i] = _mm256_add_epi64(s->even[i], _mm256_and_si256(squares[i], low));
        s->odd[i] = _mm256_add_epi64(s->odd[i], _mm256_srli_epi64(squares[i], 32));
    }
}

/// The weights of a neighbour before LayerNorm.
LVT_INLINE __m256i
weigh(const lvt_depthwise_attention_args *a, __m256i q, const int8_t *k, size_t i, size_t c) {
    const __m256i bias = _mm256_loadu_si256((const __m256i *)(a->bias + i * a->channels + c));
    const __m256i t = _mm256_adds_epi16(_mm256_mullo_epi16(q, load_s16x16(k + c)), bias);
    return _mm256_max_epi16(t, _mm256_setzero_si256());
}

LVT_INLINE sums_t sum_neighbours(const lvt_depthwise_attention_args *a,
                                 const lvt_depthwise_neighbours *near,
                                 const int8_t *query,
                                 size_t c) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i q = load_s16x16(query + c);
    sums_t s = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}, zero};
    const size_t last = a->kernel * a->kernel - 1; // an odd square minus one: a multiple of 4
    for (size_t i = 0; i < last; i += 4) {
        __m256i r[4], v[4];
        LVT_UNROLL for (size_t j = 0; j < 4; j++) {
            r[j] = weigh(a, q, near->k[i + j], i + j, c);
            v[j] = load_s16x16(near->v[i + j] + c);
        }
        // Four squares fit 32 bits without a sign.
        __m256i squares[2] = {zero, zero};
        add_pair(&s, r[0], r[1], v[0], v[1], squares);
        add_pair(&s, r[2], r[3], v[2], v[3], squares);
        add_squares(&s, squares);
    }
    __m256i squares[2] = {zero, zero};
    add_pair(&s,
             weigh(a, q, near->k[last], last, c),
             zero,
             load_s16x16(near->v[last] + c),
             zero,
             squares);
    add_squares(&s, squares);
    return s;
}

/// Integers of 0 ... 2^52 as binary64: put in the fraction of 2^52.
LVT_INLINE __m256d to_f64x4(__m256i v) {
    const __m256d base = _mm256_set1_pd(4503599627370496.0);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(v, _mm256_castpd_si256(base))), base);
}

/// f32(n * squares - sum * sum) of four channels: exact in binary64, as n * squares < 2^53.
LVT_INLINE __m128 spread_x4(__m256d n, __m256i squares, __m256i sums) {
    const __m256d sum = to_f64x4(sums);
    return _mm256_cvtpd_ps(
        _mm256_sub_pd(_mm256_mul_pd(n, to_f64x4(squares)), _mm256_mul_pd(sum, sum)));
}

/// Eight channels' constants, in the order of sums_t.
LVT_INLINE __m256 load_halves(const float *in) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(in)), _mm_loadu_ps(in + 8), 1);
}

/// LayerNorm of the weights and their sums with the values, for half `i` of sums_t.
LVT_INLINE __m256i normalize(const lvt_depthwise_attention_args *a,
                             const sums_t *s,
                             size_t c,
                             const size_t i) {
    const float count = (float)(a->kernel * a->kernel), inv_n = 1.0f / count;
    const __m256d n = _mm256_set1_pd((double)count);
    const __m256i low = _mm256_set1_epi64x(UINT32_MAX);
    const __m128 even = spread_x4(n, s->even[i], _mm256_and_si256(s->weights[i], low));
    const __m128 odd = spread_x4(n, s->odd[i], _mm256_srli_epi64(s->weights[i], 32));
    const __m256 spread = _mm256_set_m128(_mm_unpackhi_ps(even, odd), _mm_unpacklo_ps(even, odd));
    const __m256 variance = _mm256_mul_ps(spread, _mm256_set1_ps(inv_n * inv_n));
    const size_t first = c + 4 * i;
    const __m256 root = _mm256_sqrt_ps(_mm256_add_ps(variance, load_halves(a->epsilon + first)));
    const __m256 k =
        _mm256_mul_ps(_mm256_div_ps(_mm256_set1_ps(1.0f), root), _mm256_set1_ps(inv_n));
    const __m256i values = _mm256_srai_epi32(i ? _mm256_unpackhi_epi16(s->values, s->values)
                                               : _mm256_unpacklo_epi16(s->values, s->values),
                                             16);
    const __m256 weighted = _mm256_mul_ps(lvt_centred_x8(n, s->weighted[i], s->weights[i], values),
                                          _mm256_mul_ps(k, load_halves(a->gamma + first)));
    const __m256 shifted = _mm256_mul_ps(_mm256_cvtepi32_ps(values), load_halves(a->beta + first));
    return _mm256_add_epi32(lvt_round_x8(_mm256_add_ps(weighted, shifted)),
                            _mm256_set1_epi32(a->out_zero_point));
}

LVT_INLINE void lvt_depthwise_layernorm(const lvt_depthwise_attention_args *a,
                                        const lvt_depthwise_neighbours *near,
                                        const int8_t *query,
                                        int8_t *out) {
    for (size_t c = 0; c < a->channels; c += 16) {
        const sums_t s = sum_neighbours(a, near, query, c);
        // VPACKSSDW undoes VPUNPCK.
        const __m256i s16 = _mm256_packs_epi32(normalize(a, &s, c, 0), normalize(a, &s, c, 1));
        _mm_storeu_si128(
            (__m128i *)(out + c),
            _mm_packs_epi16(_mm256_castsi256_si128(s16), _mm256_extracti128_si256(s16, 1)));
    }
}

LVT_INLINE void lvt_depthwise_softmax(const lvt_depthwise_attention_args *a,
                                      const lvt_depthwise_neighbours *near,
                                      const int8_t *query,
                                      int8_t *out) {
    const size_t n = a->kernel * a->kernel;
    __m256i scores[LVT_MAXIMUM_NEIGHBOURS];
    for (size_t c = 0; c < a->channels; c += 8) {
        const __m256i q = load_s32x8(query + c);
        const __m256 multipliers = _mm256_loadu_ps(a->score_multiplier + c);
        __m256i greatest = _mm256_set1_epi32(LVT_ATTENTION_MASKED);
        for (size_t i = 0; i < n; i++) {
            const __m256i bias = _mm256_cvtepi16_epi32(
                _mm_loadu_si128((const __m128i *)(a->bias + i * a->channels + c)));
            const __m256i products = _mm256_mullo_epi32(q, load_s32x8(near->k[i] + c));
            scores[i] = _mm256_add_epi32(lvt_scores_x8(products, multipliers), bias);
            greatest = _mm256_max_epi32(greatest, scores[i]);
        }
        __m256i total = _mm256_setzero_si256(), sums = total;
        for (size_t i = 0; i < n; i++) {
            // Weights fit the lower halves, and so these alone are multiplied.
            const __m256i w = lvt_weights_x8(scores[i], greatest, 0);
            total = _mm256_add_epi32(total, w);
            sums = lvt_add_pairs(sums, w, load_s32x8(near->v[i] + c));
        }
        const __m256 scale =
            _mm256_div_ps(_mm256_loadu_ps(a->out_multiplier + c), _mm256_cvtepi32_ps(total));
        const __m256i means = lvt_means_x8(sums, scale);
        lvt_store_x16(means, means, a->out_zero_point, out + c, 8);
    }
}
