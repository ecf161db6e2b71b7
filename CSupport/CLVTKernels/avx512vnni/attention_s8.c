// SPDX-License-Identifier: Apache-2.0
//
// Attention, AVX-512 VNNI. VPDPBUSD multiplies four channels of sixteen keys with those of a query,
// to which 128 is added (see gemm_vnni.h); VPDPWSSD two keys' values of sixteen channels with their
// weights. Biases are added, and other regions masked, before the scores leave the registers.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#include "avx512vnni/attention.h"

// Maps of 224 x 224 pictures have multiples of 49 positions.
typedef __m512i lvt_s32xn;
enum {
    LVT_LANES = 16,
    LVT_AT_ONCE = 2,
    LVT_QUERIES_AT_ONCE = 7,
    LVT_KEY_BYTES = 1,
};
#include "internal/attention_loop.h"

/// The channels in `lanes` of a position, zeros if there is no such position.
LVT_INLINE __m128i load_row(const lvt_attention_args *a,
                            const int8_t *in,
                            size_t token,
                            __mmask16 lanes,
                            const int is_full) {
    const __mmask16 mask = is_full || token < a->keys ? lanes : 0;
    return _mm_maskz_loadu_epi8(mask, in + token * a->stride);
}

/// Prepares sixteen keys, all of which exist if `is_full`.
LVT_INLINE void prepare_sixteen(const lvt_attention_args *a,
                                const lvt_head *h,
                                const int8_t *k,
                                size_t token,
                                const int is_full) {
    __m512i sums = _mm512_setzero_si512();
    for (size_t c = 0; c < a->head_dim; c += 16) {
        const __mmask16 lanes = (__mmask16)lvt_lanes(a->head_dim - c);
        __m512i v[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) {
            __m128i rows[4];
            LVT_UNROLL for (size_t j = 0; j < 4; j++) rows[j] =
                load_row(a, k + c, token + 4 * j + i, lanes, is_full);
            v[i] = _mm512_inserti32x4(_mm512_castsi128_si512(rows[0]), rows[1], 1);
            v[i] = _mm512_inserti32x4(v[i], rows[2], 2);
            v[i] = _mm512_inserti32x4(v[i], rows[3], 3);
        }
        lvt_transpose_quads(v);
        LVT_UNROLL for (size_t i = 0; i < 4; i++) {
            sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8((char)0x80), v[i]);
            _mm512_store_si512((__m512i *)h->keys + ((c / 4 + i) * h->tokens + token) / 16, v[i]);
        }
    }
    _mm512_store_si512(h->starts + token, _mm512_sub_epi32(_mm512_setzero_si512(), sums));
}

/// Prepares the values of two positions, both of which exist if `is_full`.
LVT_INLINE void prepare_pair(const lvt_attention_args *a,
                             const lvt_head *h,
                             const int8_t *v,
                             size_t token,
                             const int is_full) {
    __m512i *out = (__m512i *)h->values + token * h->channels / 32;
    for (size_t c = 0; c < a->head_dim; c += 16) {
        const __mmask16 lanes = (__mmask16)lvt_lanes(a->head_dim - c);
        const __m128i first = load_row(a, v + c, token, lanes, 1);
        const __m128i second = load_row(a, v + c, token + 1, lanes, is_full);
        _mm512_store_si512(
            out++,
            _mm512_cvtepi8_epi16(_mm256_set_m128i(_mm_unpackhi_epi8(first, second),
                                                  _mm_unpacklo_epi8(first, second))));
    }
}

LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v) {
    size_t token = 0;
    for (; token + 16 <= a->keys; token += 16)
        prepare_sixteen(a, h, k, token, 1);
    if (token < a->keys)
        prepare_sixteen(a, h, k, token, 0);
    for (token = 0; token + 2 <= a->keys; token += 2)
        prepare_pair(a, h, v, token, 1);
    if (token < a->keys)
        prepare_pair(a, h, v, token, 0);
}

LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i) {
    __m128i *out = (__m128i *)h->queries + i * h->channels / 16;
    for (size_t c = 0; c < a->head_dim; c += 16) {
        const __m128i q = _mm_maskz_loadu_epi8((__mmask16)lvt_lanes(a->head_dim - c), in + c);
        _mm_store_si128(out++, _mm_xor_si128(q, _mm_set1_epi8((char)0x80)));
    }
}

/// The biases of sixteen keys from `key` on, parts of one row of the window or of some. Where the
/// window ends they are LVT_ATTENTION_MASKED.
LVT_INLINE __m512i load_bias(const int32_t *bias, const size_t key, const size_t window) {
    const size_t end = key + 16 < window * window ? key + 16 : window * window;
    __m512i v = _mm512_set1_epi32(LVT_ATTENTION_MASKED);
    for (size_t y = key / window; y * window < end; y++) {
        // Lane i is key `key` + i, so row y starts at lane y * window - key, maybe below 0.
        const ptrdiff_t lane = (ptrdiff_t)(y * window) - (ptrdiff_t)key;
        const __mmask16 before = lane > 0 ? (__mmask16)lvt_lanes((size_t)lane) : 0;
        const __mmask16 upto = (__mmask16)lvt_lanes((size_t)(lane + (ptrdiff_t)window));
        const int32_t *row = bias + (ptrdiff_t)(y * (2 * window - 1)) - lane;
        v = _mm512_mask_loadu_epi32(v, upto & (__mmask16)~before, row);
    }
    return v;
}

/// Scores of n queries for 16 * vectors keys from `key` on; `window` is 0 if there are no biases.
LVT_INLINE void score_keys(const lvt_attention_args *a,
                           const lvt_head *h,
                           const int32_t *const bias[LVT_QUERIES_AT_ONCE],
                           size_t query,
                           const size_t key,
                           const size_t n,
                           const size_t vectors,
                           const size_t window) {
    __m512i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE];
    LVT_UNROLL for (size_t j = 0; j < vectors; j++) {
        const __m512i start = _mm512_load_si512(h->starts + key + 16 * j);
        LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][j] = start;
    }
    const char *queries = h->queries;
    const __m512i *keys = (const __m512i *)h->keys + key / 16;
    for (size_t c = 0; c < a->head_dim; c += 4, keys += h->tokens / 16) {
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t four;
            memcpy(&four, queries + i * h->channels + c, 4);
            LVT_UNROLL for (size_t j = 0; j < vectors; j++) sums[i][j] =
                _mm512_dpbusd_epi32(sums[i][j], _mm512_set1_epi32(four), keys[j]);
        }
    }
    const __m512 multiplier = _mm512_set1_ps(a->score_multiplier);
    const uint8_t *regions = a->regions;
    int32_t *out = h->scores + key;
    LVT_UNROLL for (size_t j = 0; j < vectors; j++, out += 16) {
        const size_t first = key + 16 * j, left = a->keys > first ? a->keys - first : 0;
        __mmask16 seen = (__mmask16)lvt_lanes(left);
        const __m128i others =
            regions ? _mm_maskz_loadu_epi8(seen, regions + first) : _mm_setzero_si128();
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            __m512i s = lvt_scores_x16(sums[i][j], multiplier);
            if (window)
                s = _mm512_add_epi32(s, load_bias(bias[i], first, window));
            if (regions)
                seen = _mm_mask_cmpeq_epi8_mask(
                    (__mmask16)lvt_lanes(left), others, _mm_set1_epi8((char)regions[query + i]));
            s = _mm512_mask_mov_epi32(_mm512_set1_epi32(LVT_ATTENTION_MASKED), seen, s);
            _mm512_store_si512(out + i * h->tokens, s);
        }
    }
}

/// Scores for all keys.
LVT_INLINE void score_all_keys(const lvt_attention_args *a,
                               const lvt_head *h,
                               const int32_t *const bias[LVT_QUERIES_AT_ONCE],
                               size_t query,
                               const size_t n,
                               const size_t window) {
    size_t key = 0;
    for (; key + 16 < h->tokens; key += 32)
        score_keys(a, h, bias, query, key, n, 2, window);
    if (key < h->tokens)
        score_keys(a, h, bias, query, key, n, 1, window);
}

LVT_INLINE void lvt_score(
    const lvt_attention_args *a, const lvt_head *h, size_t head, size_t query, const size_t n) {
    const int32_t *bias[LVT_QUERIES_AT_ONCE];
    for (size_t i = 0; i < n; i++)
        bias[i] = lvt_attention_bias(a, head, query + i);
    if (!a->bias) {
        score_all_keys(a, h, bias, query, n, 0);
    } else if (a->window == 7) {
        // Masks and the rows' places are constants.
        score_keys(a, h, bias, query, 0, n, 2, 7);
        score_keys(a, h, bias, query, 32, n, 2, 7);
    } else {
        score_all_keys(a, h, bias, query, n, a->window);
    }
}

LVT_INLINE void lvt_multiply_values(__m512i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                    const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const int16_t *factors,
                                    size_t factor_stride,
                                    size_t c,
                                    const size_t n,
                                    const size_t columns) {
    const size_t whole = columns / 16, half = columns / 8 % 2;
    const int16_t *rows = (const int16_t *)h->values + 2 * c;
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0] = sums[i][1] = _mm512_setzero_si512();
    for (size_t t = 0; t < a->keys; t += 2, rows += 2 * h->channels) {
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t pair;
            memcpy(&pair, factors + i * factor_stride + t, 4);
            const __m512i f = _mm512_set1_epi32(pair);
            LVT_UNROLL for (size_t j = 0; j < whole; j++) sums[i][j] =
                lvt_add_pairs(sums[i][j], _mm512_load_si512(rows + 32 * j), f);
            if (half)
                sums[i][whole] = lvt_add_half(
                    sums[i][whole], _mm256_load_si256((const __m256i *)(rows + 32 * whole)), f);
        }
    }
}

LVT_INLINE void
lvt_softmax(const lvt_head *h, int32_t shift, int32_t sums[LVT_QUERIES_AT_ONCE], const size_t n) {
    __m512i lanes[8] = {_mm512_setzero_si512()};
    int32_t results[8];
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        const __m512i *in = (const __m512i *)(h->scores + i * h->tokens);
        lanes[i] = in[0];
        for (size_t t = 1; t < h->tokens / 16; t++)
            lanes[i] = _mm512_max_epi32(lanes[i], in[t]);
    }
    _mm256_storeu_si256((__m256i *)results, lvt_greatest_lanes(lanes));
    const __m512i reach = _mm512_set1_epi16((int16_t)(LVT_WEIGHT_REACH + (shift << 10)));
    const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0); // undoes VPACKSSDW
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        const __m512i *in = (const __m512i *)(h->scores + i * h->tokens);
        int16_t *out = h->weights + i * h->weight_stride;
        const __m512i top = _mm512_set1_epi32(results[i] + (shift << 10));
        lanes[i] = _mm512_setzero_si512();
        for (size_t t = 0; t < h->tokens / 16; t += 2, out += 32) {
            const __m512i first = _mm512_sub_epi32(top, in[t]);
            const __m512i second = t + 1 < h->tokens / 16 ? _mm512_sub_epi32(top, in[t + 1])
                                                          : _mm512_set1_epi32(INT16_MAX);
            const __m512i d = _mm512_permutexvar_epi64(order, _mm512_packs_epi32(first, second));
            const __m512i w = lvt_weights_x32(_mm512_min_epi16(d, reach));
            lanes[i] = lvt_add_pairs(lanes[i], w, _mm512_set1_epi16(1));
            _mm512_store_si512(out, w);
        }
    }
    _mm256_storeu_si256((__m256i *)results, lvt_sums_of_lanes(lanes));
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i] = results[i];
}

LVT_INLINE lvt_key_sums lvt_rectify(const lvt_head *h, int32_t *scores, int16_t *weights) {
    const __m512i masked = _mm512_set1_epi32(LVT_ATTENTION_MASKED);
    const __m512i low = _mm512_set1_epi64(UINT32_MAX);
    __m512i sums = _mm512_setzero_si512(), seen = sums, squares = sums; // 8 x int64
    int16_t *ones = (int16_t *)scores;
    for (size_t i = 0; i < h->tokens; i += 16) {
        const __m512i t = _mm512_load_si512(scores + i);
        const __m512i one =
            _mm512_maskz_set1_epi32((__mmask16)~_mm512_cmpeq_epi32_mask(t, masked), 1);
        const __m512i r = _mm512_min_epi32(_mm512_max_epi32(t, _mm512_setzero_si512()),
                                           _mm512_set1_epi32(INT16_MAX));
        // The upper halves of r are zeros.
        const __m512i square = lvt_add_pairs(_mm512_setzero_si512(), r, r);
        sums = _mm512_add_epi32(sums, r);
        seen = _mm512_add_epi32(seen, one);
        squares = _mm512_add_epi64(squares, _mm512_and_si512(square, low));
        squares = _mm512_add_epi64(squares, _mm512_srli_epi64(square, 32));
        _mm256_store_si256((__m256i *)(weights + i), _mm512_cvtsepi32_epi16(r));
        _mm256_store_si256((__m256i *)(ones + i), _mm512_cvtsepi32_epi16(one));
    }
    int64_t parts[8], total = 0;
    _mm512_storeu_si512(parts, squares);
    LVT_UNROLL for (size_t i = 0; i < 8; i++) total += parts[i];
    return (lvt_key_sums){lvt_sum_of_lanes(seen), lvt_sum_of_lanes(sums), total};
}

LVT_INLINE __m512i lvt_means(const lvt_query *q, __m512i sums) {
    return lvt_means_x16(sums, _mm512_set1_ps(q->factor));
}

/// f32(n * a - s * v) of eight sums: exact in binary64, as |n * a| < 2^53.
LVT_INLINE __m256 centred(const lvt_key_sums *s, __m256i sums, __m256i values) {
    const __m512d n = _mm512_set1_pd((double)s->keys), sum = _mm512_set1_pd((double)s->sum);
    return _mm512_cvtpd_ps(_mm512_sub_pd(_mm512_mul_pd(n, _mm512_cvtepi32_pd(sums)),
                                         _mm512_mul_pd(sum, _mm512_cvtepi32_pd(values))));
}

LVT_INLINE __m512i lvt_normalized_means(const lvt_query *q, __m512i sums, __m512i values) {
    const __m256 low = centred(&q->s, _mm512_castsi512_si256(sums), _mm512_castsi512_si256(values));
    const __m256 high =
        centred(&q->s, _mm512_extracti64x4_epi64(sums, 1), _mm512_extracti64x4_epi64(values, 1));
    const __m512 both = _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    const __m512 weighted = _mm512_mul_ps(both, _mm512_set1_ps(q->factor));
    const __m512 shifted = _mm512_mul_ps(_mm512_cvtepi32_ps(values), _mm512_set1_ps(q->shift));
    return lvt_round_x16(_mm512_add_ps(weighted, shifted));
}

LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const __m512i means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t columns) {
    const __m512i zero_points = _mm512_set1_epi32(a->out_zero_point);
    LVT_UNROLL for (size_t j = 0; 16 * j < columns; j++) {
        const __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_add_epi32(means[j], zero_points));
        if (n >= 16 * (j + 1))
            _mm_storeu_si128((__m128i *)(out + 16 * j), bytes);
        else
            _mm_mask_storeu_epi8(out + 16 * j, (__mmask16)lvt_lanes(n - 16 * j), bytes);
    }
}

void lvt_attention_s8__avx512vnni(const lvt_attention_args *a) {
    lvt_attention_run(a);
}

LVT_TARGET_END
#endif
