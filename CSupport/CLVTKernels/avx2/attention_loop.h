// SPDX-License-Identifier: Apache-2.0
//
// What attention_s8 of AVX2 and of AVX-VNNI share: all but the products of queries and keys. The
// values of neighbouring positions are put side by side, so that a lane adds two products.
//
// The including file defines LVT_KEY_BYTES and lvt_add_pairs before, and the functions that are
// declared here or in internal/attention_scores.h without a body.
#pragma once
#include "avx2/attention.h"

typedef __m256i lvt_s32xn;
enum { LVT_LANES = 8, LVT_AT_ONCE = 2, LVT_QUERIES_AT_ONCE = LVT_ATTENTION_QUERIES };
#include "internal/attention_scores.h"

/// Fills `keys` and `starts`.
LVT_INLINE void lvt_prepare_keys(const lvt_attention_args *a, const lvt_head *h, const int8_t *k);

LVT_INLINE size_t lvt_at_most_16(size_t n) {
    return n < 16 ? n : 16;
}

/// Transposes eight vectors of eight lanes.
LVT_INLINE void lvt_transpose_x8(__m256i v[8]) {
    __m256i a[8], b[8];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
    }
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    LVT_UNROLL for (size_t i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

LVT_INLINE void
lvt_prepare_values(const lvt_attention_args *a, const lvt_head *h, const int8_t *v) {
    for (size_t token = 0; token < h->tokens; token += 2) {
        __m256i *out = (__m256i *)h->values + token * h->channels / 16;
        for (size_t c = 0; c < a->head_dim; c += 16, out += 2) {
            const size_t n = lvt_at_most_16(a->head_dim - c);
            __m128i rows[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
            LVT_UNROLL for (size_t i = 0; i < 2; i++) if (token + i < a->keys) rows[i] =
                lvt_load_bytes(v + (token + i) * a->stride + c, n);
            _mm256_store_si256(out, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(rows[0], rows[1])));
            _mm256_store_si256(out + 1, _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(rows[0], rows[1])));
        }
    }
}

LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v) {
    lvt_prepare_keys(a, h, k);
    lvt_prepare_values(a, h, v);
}

/// sums[i] of `columns` = factors[i][0 ..< count] times `count` rows in pairs.
LVT_INLINE void lvt_multiply_pairs(__m256i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                   const int16_t *factors,
                                   size_t factor_stride,
                                   const int16_t *rows,
                                   size_t row_stride,
                                   size_t count,
                                   const size_t n,
                                   const size_t columns) {
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
    for (size_t t = 0; t < count; t += 2, rows += 2 * row_stride) {
        __m256i v[2];
        LVT_UNROLL for (size_t j = 0; 8 * j < columns; j++) v[j] =
            _mm256_load_si256((const __m256i *)rows + j);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const __m256i f = lvt_broadcast_pair(factors + i * factor_stride + t);
            LVT_UNROLL for (size_t j = 0; 8 * j < columns; j++) sums[i][j] =
                lvt_add_pairs(sums[i][j], f, v[j]);
        }
    }
}

LVT_INLINE void lvt_multiply_values(__m256i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                    const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const int16_t *factors,
                                    size_t factor_stride,
                                    size_t c,
                                    const size_t n,
                                    const size_t columns) {
    const int16_t *values = (const int16_t *)h->values + 2 * c;
    lvt_multiply_pairs(sums, factors, factor_stride, values, h->channels, a->keys, n, columns);
}

LVT_INLINE void lvt_store_scores(int32_t *out, __m256i sums, float multiplier) {
    _mm256_store_si256((__m256i *)out, lvt_scores_x8(sums, _mm256_set1_ps(multiplier)));
}

LVT_INLINE void
lvt_softmax(const lvt_head *h, int32_t shift, int32_t sums[LVT_QUERIES_AT_ONCE], const size_t n) {
    for (size_t query = 0; query < n; query++) {
        const __m256i *in = (const __m256i *)(h->scores + query * h->tokens);
        __m256i *out = (__m256i *)(h->weights + query * h->weight_stride);
        __m256i greatest = *in;
        for (size_t i = 1; i < h->tokens / 8; i++)
            greatest = _mm256_max_epi32(greatest, in[i]);
        const __m256i top = _mm256_set1_epi32(lvt_greatest_lane(greatest));
        __m256i sum = _mm256_setzero_si256();
        for (size_t i = 0; i < h->tokens / 8; i += 2) {
            const __m256i first = lvt_weights_x8(in[i], top, shift);
            const __m256i second = lvt_weights_x8(in[i + 1], top, shift);
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(first, second));
            *out++ = lvt_pack_x16(first, second);
        }
        sums[query] = lvt_sum_of_lanes(sum);
    }
}

LVT_INLINE lvt_key_sums lvt_rectify(const lvt_head *h, int32_t *scores, int16_t *weights) {
    const __m256i zero = _mm256_setzero_si256(), most = _mm256_set1_epi32(INT16_MAX);
    const __m256i masked = _mm256_set1_epi32(LVT_ATTENTION_MASKED);
    __m256i sums = zero, squares = zero, hidden = zero; // 8 x int32, 4 x int64, 8 x int32
    int16_t *ones = (int16_t *)scores;
    for (size_t i = 0; i < h->tokens; i += 16) {
        __m256i r[2], mask[2];
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            const __m256i t = _mm256_load_si256((const __m256i *)(scores + i) + j);
            mask[j] = _mm256_cmpeq_epi32(t, masked);
            hidden = _mm256_sub_epi32(hidden, mask[j]);
            r[j] = _mm256_min_epi32(_mm256_max_epi32(t, zero), most);
            sums = _mm256_add_epi32(sums, r[j]);
        }
        const __m256i packed = lvt_pack_x16(r[0], r[1]);
        // A pair of squares is less than 2^31.
        const __m256i pairs = _mm256_madd_epi16(packed, packed);
        squares = _mm256_add_epi64(squares, _mm256_unpacklo_epi32(pairs, zero));
        squares = _mm256_add_epi64(squares, _mm256_unpackhi_epi32(pairs, zero));
        _mm256_store_si256((__m256i *)(weights + i), packed);
        _mm256_store_si256((__m256i *)(ones + i),
                           _mm256_add_epi16(lvt_pack_x16(mask[0], mask[1]), _mm256_set1_epi16(1)));
    }
    int64_t parts[4], total = 0;
    _mm256_storeu_si256((__m256i *)parts, squares);
    LVT_UNROLL for (size_t i = 0; i < 4; i++) total += parts[i];
    const int32_t keys = (int32_t)h->tokens - lvt_sum_of_lanes(hidden);
    return (lvt_key_sums){keys, lvt_sum_of_lanes(sums), total};
}

LVT_INLINE __m256i lvt_means(const lvt_query *q, __m256i sums) {
    return lvt_means_x8(sums, _mm256_set1_ps(q->factor));
}

LVT_INLINE __m256i lvt_normalized_means(const lvt_query *q, __m256i sums, __m256i values) {
    const __m256 centred = lvt_centred_x8(
        _mm256_set1_pd((double)q->s.keys), sums, _mm256_set1_epi32(q->s.sum), values);
    const __m256 weighted = _mm256_mul_ps(centred, _mm256_set1_ps(q->factor));
    const __m256 shifted = _mm256_mul_ps(_mm256_cvtepi32_ps(values), _mm256_set1_ps(q->shift));
    return lvt_round_x8(_mm256_add_ps(weighted, shifted));
}

LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const __m256i means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t columns) {
    const size_t last = columns / 8 - 1;
    lvt_store_x16(means[0], means[last], a->out_zero_point, out, n < columns ? n : columns);
}
