// SPDX-License-Identifier: Apache-2.0
//
// Attention, a head at a time, four queries at once, on int16. Neighbouring channels of the
// keys, and the values of neighbouring positions, are put side by side, so that VPMADDWD adds two
// products in each lane and a lane is a key, or a channel: no sum across lanes. AVX2. Sums are
// exact integers, so their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")
#include "avx2/attention.h"

/// One head: its operands in scratch. Keys are padded to 16 positions with zeros.
typedef struct {
    size_t tokens;    ///< Padded.
    size_t channels;  ///< Padded to 16.
    int32_t *scores;  ///< queries x tokens
    int16_t *keys;    ///< channel pairs x tokens x 2
    int16_t *values;  ///< tokens / 2 x channels x 2
    int16_t *queries; ///< queries x channels
    int16_t *weights; ///< queries x tokens
} head_t;

LVT_INLINE head_t divide(const lvt_attention_args *a) {
    head_t h;
    h.tokens = (a->keys + 15) / 16 * 16;
    h.channels = (a->head_dim + 15) / 16 * 16;
    h.scores = a->scratch;
    h.keys = (int16_t *)(h.scores + LVT_ATTENTION_QUERIES * h.tokens);
    h.values = h.keys + h.tokens * h.channels;
    h.queries = h.values + h.tokens * h.channels;
    h.weights = h.queries + LVT_ATTENTION_QUERIES * h.channels;
    return h;
}

LVT_INLINE size_t at_most_16(size_t n) {
    return n < 16 ? n : 16;
}

/// Sixteen channels of eight keys as pairs by key.
LVT_INLINE void transpose_keys(__m256i v[8]) {
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

static void prepare_keys(const lvt_attention_args *a, const head_t *h, const int8_t *k) {
    for (size_t token = 0; token < h->tokens; token += 8) {
        for (size_t c = 0; c < a->head_dim; c += 16) {
            __m256i v[8];
            LVT_UNROLL for (size_t i = 0; i < 8; i++) v[i] =
                token + i < a->keys
                    ? _mm256_cvtepi8_epi16(lvt_load_bytes(k + (token + i) * a->stride + c,
                                                          at_most_16(a->head_dim - c)))
                    : _mm256_setzero_si256();
            transpose_keys(v);
            LVT_UNROLL for (size_t i = 0; i < 8; i++) _mm256_store_si256(
                (__m256i *)(h->keys + ((c / 2 + i) * h->tokens + token) * 2), v[i]);
        }
    }
}

static void prepare_values(const lvt_attention_args *a, const head_t *h, const int8_t *v) {
    for (size_t token = 0; token < h->tokens; token += 2) {
        __m256i *out = (__m256i *)(h->values + token * h->channels);
        for (size_t c = 0; c < a->head_dim; c += 16, out += 2) {
            const size_t n = at_most_16(a->head_dim - c);
            __m128i rows[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
            LVT_UNROLL for (size_t i = 0; i < 2; i++) if (token + i < a->keys) rows[i] =
                lvt_load_bytes(v + (token + i) * a->stride + c, n);
            _mm256_store_si256(out, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(rows[0], rows[1])));
            _mm256_store_si256(out + 1, _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(rows[0], rows[1])));
        }
    }
}

LVT_INLINE __m256i broadcast_pair(const int16_t *pair) {
    int32_t both;
    memcpy(&both, pair, sizeof both);
    return _mm256_set1_epi32(both);
}

/// Scores of n queries before biases.
LVT_INLINE void multiply_keys(const lvt_attention_args *a, const head_t *h, const size_t n) {
    const __m256 multiplier = _mm256_set1_ps(a->score_multiplier);
    for (size_t key = 0; key < h->tokens; key += 16) {
        __m256i sums[LVT_ATTENTION_QUERIES][2];
        LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
        const int16_t *keys = h->keys + 2 * key;
        for (size_t c = 0; c < a->head_dim; c += 2, keys += 2 * h->tokens) {
            const __m256i k0 = _mm256_load_si256((const __m256i *)keys);
            const __m256i k1 = _mm256_load_si256((const __m256i *)keys + 1);
            LVT_UNROLL for (size_t i = 0; i < n; i++) {
                const __m256i q = broadcast_pair(h->queries + i * h->channels + c);
                sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(q, k0));
                sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(q, k1));
            }
        }
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            __m256i *out = (__m256i *)(h->scores + i * h->tokens + key);
            _mm256_store_si256(out, lvt_scores_x8(sums[i][0], multiplier));
            _mm256_store_si256(out + 1, lvt_scores_x8(sums[i][1], multiplier));
        }
    }
}

/// Adds biases, masks other regions and padding, and returns the greatest score.
LVT_INLINE int32_t finish_scores(
    const lvt_attention_args *a, const head_t *h, size_t head, size_t query, int32_t *scores) {
    const int32_t *bias = lvt_attention_bias(a, head, query);
    if (bias)
        for (size_t y = 0; y < a->window; y++)
            for (size_t x = 0; x < a->window; x++)
                scores[y * a->window + x] += bias[y * (2 * a->window - 1) + x];
    if (a->regions)
        for (size_t i = 0; i < a->keys; i++)
            if (a->regions[i] != a->regions[query])
                scores[i] = LVT_ATTENTION_MASKED;
    for (size_t i = a->keys; i < h->tokens; i++)
        scores[i] = LVT_ATTENTION_MASKED;
    __m256i greatest = _mm256_set1_epi32(LVT_ATTENTION_MASKED);
    for (size_t i = 0; i < h->tokens; i += 8)
        greatest = _mm256_max_epi32(greatest, _mm256_load_si256((const __m256i *)(scores + i)));
    return lvt_greatest_lane(greatest);
}

/// Turns scores into weights and returns their sum.
LVT_INLINE int32_t
weigh(const head_t *h, const int32_t *scores, int32_t greatest, int32_t shift, int16_t *weights) {
    const __m256i top = _mm256_set1_epi32(greatest);
    __m256i sums = _mm256_setzero_si256();
    for (size_t i = 0; i < h->tokens; i += 16) {
        const __m256i *in = (const __m256i *)(scores + i);
        const __m256i first = lvt_weights_x8(_mm256_load_si256(in), top, shift);
        const __m256i second = lvt_weights_x8(_mm256_load_si256(in + 1), top, shift);
        sums = _mm256_add_epi32(sums, _mm256_add_epi32(first, second));
        _mm256_store_si256((__m256i *)(weights + i), lvt_pack_weights(first, second));
    }
    return lvt_sum_of_lanes(sums);
}

/// What a key norm makes of a query's scores.
typedef struct {
    int64_t keys, sum; ///< Visible keys, and their weights' sum.
    float factor, shift;
} normalized_t;

/// Turns scores into weights, and then into ones for visible keys and zeros for others.
LVT_INLINE normalized_t normalize(
    const lvt_attention_args *a, const head_t *h, size_t head, int32_t *scores, int16_t *weights) {
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
        const __m256i packed = lvt_pack_weights(r[0], r[1]);
        // A pair of squares is less than 2^31.
        const __m256i pairs = _mm256_madd_epi16(packed, packed);
        squares = _mm256_add_epi64(squares, _mm256_unpacklo_epi32(pairs, zero));
        squares = _mm256_add_epi64(squares, _mm256_unpackhi_epi32(pairs, zero));
        _mm256_store_si256((__m256i *)(weights + i), packed);
        _mm256_store_si256(
            (__m256i *)(ones + i),
            _mm256_add_epi16(lvt_pack_weights(mask[0], mask[1]), _mm256_set1_epi16(1)));
    }
    int64_t parts[4], total = 0;
    _mm256_storeu_si256((__m256i *)parts, squares);
    LVT_UNROLL for (size_t i = 0; i < 4; i++) total += parts[i];
    normalized_t q;
    q.keys = (int64_t)h->tokens - lvt_sum_of_lanes(hidden);
    q.sum = lvt_sum_of_lanes(sums);
    const float k = lvt_key_norm_factor(q.keys, q.sum, total, a->key_norm->epsilon);
    q.factor = (k * a->key_norm->gamma[head]) * a->out_multiplier;
    q.shift = a->key_norm->beta[head] * a->out_multiplier;
    return q;
}

/// The sums of 8 channels from c on, or of 16 if `vectors` is 2, for n queries with their weights.
LVT_INLINE void sum_values(const head_t *h,
                           const int16_t *weights,
                           size_t weight_stride,
                           __m256i sums[LVT_ATTENTION_QUERIES][2],
                           size_t c,
                           const size_t n,
                           const size_t vectors) {
    LVT_UNROLL for (size_t i = 0; i < n; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
    const int16_t *values = h->values + 2 * c;
    for (size_t token = 0; token < h->tokens; token += 2, values += 2 * h->channels) {
        __m256i v[2];
        LVT_UNROLL for (size_t j = 0; j < vectors; j++) v[j] =
            _mm256_load_si256((const __m256i *)values + j);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const __m256i w = broadcast_pair(weights + i * weight_stride + token);
            LVT_UNROLL for (size_t j = 0; j < vectors; j++) sums[i][j] =
                _mm256_add_epi32(sums[i][j], _mm256_madd_epi16(w, v[j]));
        }
    }
}

/// Stores the channels from c on that `vectors` vectors hold.
LVT_INLINE void
store(const lvt_attention_args *a, int8_t *out, size_t c, const __m128i q[2], size_t vectors) {
    const size_t left = a->head_dim - c, made = 8 * vectors;
    lvt_store_bytes(out + c, _mm_unpacklo_epi64(q[0], q[1]), left < made ? left : made);
}

/// The weighted means of 8 channels, or of 16 if `vectors` is 2, for n queries.
LVT_INLINE void add_values(const lvt_attention_args *a,
                           const head_t *h,
                           const float *multipliers,
                           int8_t *out,
                           size_t c,
                           const size_t n,
                           const size_t vectors) {
    __m256i sums[LVT_ATTENTION_QUERIES][2];
    sum_values(h, h->weights, h->tokens, sums, c, n, vectors);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        __m128i q[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
        LVT_UNROLL for (size_t j = 0; j < vectors; j++) q[j] =
            lvt_means_x8(sums[i][j], _mm256_set1_ps(multipliers[i]), a->out_zero_point);
        store(a, out + i * a->out_stride, c, q, vectors);
    }
}

/// The same with a key norm.
LVT_INLINE void add_normalized_values(const lvt_attention_args *a,
                                      const head_t *h,
                                      const normalized_t *queries,
                                      int8_t *out,
                                      size_t c,
                                      const size_t n,
                                      const size_t vectors) {
    __m256i sums[LVT_ATTENTION_QUERIES][2], values[LVT_ATTENTION_QUERIES][2];
    sum_values(h, h->weights, h->tokens, sums, c, n, vectors);
    // Without regions all queries see the same keys.
    const int16_t *ones = (const int16_t *)h->scores;
    if (a->regions)
        sum_values(h, ones, 2 * h->tokens, values, c, n, vectors);
    else
        sum_values(h, ones, 2 * h->tokens, values, c, 1, vectors);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        const __m256d keys = _mm256_set1_pd((double)queries[i].keys);
        const __m256i sum = _mm256_set1_epi32((int32_t)queries[i].sum);
        __m128i q[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
        LVT_UNROLL for (size_t j = 0; j < vectors; j++) {
            const __m256i v = values[a->regions ? i : 0][j];
            const __m256 weighted = _mm256_mul_ps(lvt_centred_x8(keys, sums[i][j], sum, v),
                                                  _mm256_set1_ps(queries[i].factor));
            const __m256 shifted =
                _mm256_mul_ps(_mm256_cvtepi32_ps(v), _mm256_set1_ps(queries[i].shift));
            q[j] = lvt_narrow_x8(lvt_round_x8(_mm256_add_ps(weighted, shifted)), a->out_zero_point);
        }
        store(a, out + i * a->out_stride, c, q, vectors);
    }
}

/// n queries of one head.
LVT_INLINE void
attend(const lvt_attention_args *a, const head_t *h, size_t head, size_t query, const size_t n) {
    const size_t first = head * a->head_dim;
    const int32_t shift = lvt_attention_shift(a->keys);
    float multipliers[LVT_ATTENTION_QUERIES];
    normalized_t normalized[LVT_ATTENTION_QUERIES];
    for (size_t i = 0; i < n; i++) {
        const int8_t *q = a->q + (query + i) * a->stride + first;
        for (size_t c = 0; c < a->head_dim; c += 16)
            _mm256_store_si256(
                (__m256i *)(h->queries + i * h->channels + c),
                _mm256_cvtepi8_epi16(lvt_load_bytes(q + c, at_most_16(a->head_dim - c))));
    }
    multiply_keys(a, h, n);
    for (size_t i = 0; i < n; i++) {
        int32_t *scores = h->scores + i * h->tokens;
        int16_t *weights = h->weights + i * h->tokens;
        const int32_t greatest = finish_scores(a, h, head, query + i, scores);
        if (a->key_norm)
            normalized[i] = normalize(a, h, head, scores, weights);
        else
            multipliers[i] = a->out_multiplier / (float)weigh(h, scores, greatest, shift, weights);
    }
    int8_t *out = a->out + query * a->out_stride + first;
    for (size_t c = 0; c < a->head_dim; c += 16) {
        const int both = c + 8 < a->head_dim;
        if (a->key_norm && both)
            add_normalized_values(a, h, normalized, out, c, n, 2);
        else if (a->key_norm)
            add_normalized_values(a, h, normalized, out, c, n, 1);
        else if (both)
            add_values(a, h, multipliers, out, c, n, 2);
        else
            add_values(a, h, multipliers, out, c, n, 1);
    }
}

void lvt_attention_s8__avx2(const lvt_attention_args *a) {
    const head_t h = divide(a);
    for (size_t head = 0; head < a->heads; head++) {
        prepare_keys(a, &h, a->k + head * a->head_dim);
        prepare_values(a, &h, a->v + head * a->head_dim);
        size_t query = a->first;
        for (; query + LVT_ATTENTION_QUERIES <= a->first + a->queries;
             query += LVT_ATTENTION_QUERIES)
            attend(a, &h, head, query, LVT_ATTENTION_QUERIES);
        for (; query < a->first + a->queries; query++)
            attend(a, &h, head, query, 1);
    }
}

LVT_TARGET_END
#endif
