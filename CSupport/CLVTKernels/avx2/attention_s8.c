// SPDX-License-Identifier: Apache-2.0
//
// Softmax attention, a head at a time, on int16: keys are widened once, and the values of two
// positions are put side by side, so that VPMADDWD adds two weighted values in each lane. AVX2.
// Sums are exact integers, so their order does not matter.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
LVT_TARGET_BEGIN("avx2")

/// One head: its operands in scratch. Channels are padded to 16 and positions to 16, with zeros.
typedef struct {
    size_t tokens, channels; ///< Padded.
    int32_t *scores;
    int16_t *weights;
    int16_t *query;  ///< channels
    int16_t *keys;   ///< tokens x channels
    int16_t *values; ///< tokens / 2 x channels x 2
} head_t;

LVT_INLINE head_t divide(const lvt_attention_args *a) {
    head_t h;
    h.tokens = (a->window * a->window + 15) / 16 * 16;
    h.channels = (a->head_dim + 15) / 16 * 16;
    h.scores = a->scratch;
    h.keys = (int16_t *)(h.scores + h.tokens);
    h.values = h.keys + h.tokens * h.channels;
    h.query = h.values + h.tokens * h.channels;
    h.weights = h.query + h.channels;
    return h;
}

/// Widens `n` bytes and fills with zeros up to `padded`.
LVT_INLINE void widen(const int8_t *in, size_t n, int16_t *out, size_t padded) {
    size_t c = 0;
    for (; c + 16 <= n; c += 16)
        _mm256_store_si256((__m256i *)(out + c),
                           _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(in + c))));
    if (c == padded)
        return;
    int8_t tail[16] = {0};
    for (size_t i = c; i < n; i++)
        tail[i - c] = in[i];
    _mm256_store_si256((__m256i *)(out + c),
                       _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)tail)));
}

LVT_INLINE void prepare(const lvt_attention_args *a, const head_t *h, size_t head) {
    const size_t tokens = a->window * a->window;
    const int8_t *k = a->k + head * a->head_dim, *v = a->v + head * a->head_dim;
    for (size_t i = 0; i < tokens; i++)
        widen(k + i * a->stride, a->head_dim, h->keys + i * h->channels, h->channels);
    memset(h->keys + tokens * h->channels, 0, (h->tokens - tokens) * h->channels * 2);
    memset(h->values, 0, h->tokens * h->channels * 2);
    for (size_t i = 0; i < tokens; i++) {
        int16_t *pairs = h->values + i / 2 * h->channels * 2 + i % 2;
        for (size_t c = 0; c < a->head_dim; c++)
            pairs[2 * c] = v[i * a->stride + c];
    }
}

/// The sums of the lanes of eight vectors.
LVT_INLINE __m256i sum_lanes(const __m256i v[8]) {
    const __m256i a =
        _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    const __m256i b =
        _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

LVT_INLINE void multiply_keys(const head_t *h, float multiplier) {
    const __m256 reach = _mm256_set1_ps(2097152.0f), m = _mm256_set1_ps(multiplier);
    for (size_t key = 0; key < h->tokens; key += 8) {
        __m256i sums[8];
        LVT_UNROLL
        for (size_t i = 0; i < 8; i++)
            sums[i] = _mm256_setzero_si256();
        for (size_t c = 0; c < h->channels; c += 16) {
            const __m256i q = _mm256_load_si256((const __m256i *)(h->query + c));
            LVT_UNROLL
            for (size_t i = 0; i < 8; i++) {
                const int16_t *k = h->keys + (key + i) * h->channels + c;
                sums[i] = _mm256_add_epi32(
                    sums[i], _mm256_madd_epi16(q, _mm256_load_si256((const __m256i *)k)));
            }
        }
        __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(sum_lanes(sums)), m);
        v = _mm256_min_ps(_mm256_max_ps(v, _mm256_sub_ps(_mm256_setzero_ps(), reach)), reach);
        _mm256_store_si256((__m256i *)(h->scores + key), _mm256_cvtps_epi32(v));
    }
}

/// Adds biases, masks other regions and padding, and returns the greatest score.
LVT_INLINE int32_t finish_scores(const lvt_attention_args *a,
                                 const head_t *h,
                                 size_t head,
                                 size_t query) {
    const size_t tokens = a->window * a->window, edge = 2 * a->window - 1;
    const int32_t *bias = lvt_attention_bias(a, head, query);
    if (bias)
        for (size_t y = 0; y < a->window; y++)
            for (size_t x = 0; x < a->window; x++)
                h->scores[y * a->window + x] += bias[y * edge + x];
    if (a->regions)
        for (size_t i = 0; i < tokens; i++)
            if (a->regions[i] != a->regions[query])
                h->scores[i] = LVT_ATTENTION_MASKED;
    for (size_t i = tokens; i < h->tokens; i++)
        h->scores[i] = LVT_ATTENTION_MASKED;
    __m256i greatest = _mm256_set1_epi32(LVT_ATTENTION_MASKED);
    for (size_t i = 0; i < h->tokens; i += 8)
        greatest = _mm256_max_epi32(greatest, _mm256_load_si256((const __m256i *)(h->scores + i)));
    int32_t lanes[8], result = LVT_ATTENTION_MASKED;
    _mm256_storeu_si256((__m256i *)lanes, greatest);
    for (size_t i = 0; i < 8; i++)
        result = lanes[i] > result ? lanes[i] : result;
    return result;
}

/// lvt_attention_weight of eight distances.
LVT_INLINE __m256i weight_x8(__m256i scores, __m256i greatest) {
    const __m256i d =
        _mm256_min_epi32(_mm256_sub_epi32(greatest, scores), _mm256_set1_epi32(LVT_WEIGHT_REACH));
    const __m256i x = _mm256_slli_epi32(_mm256_and_si256(d, _mm256_set1_epi32(1023)), 5);
    // VPMULHRSW on the lower halves; the upper halves of x are 0 and stay so.
    __m256i p = _mm256_mulhrs_epi16(_mm256_set1_epi32(LVT_EXP2_C3), x);
    p = _mm256_mulhrs_epi16(_mm256_add_epi16(p, _mm256_set1_epi16(LVT_EXP2_C2)), x);
    p = _mm256_mulhrs_epi16(_mm256_add_epi16(p, _mm256_set1_epi16(LVT_EXP2_C1)), x);
    p = _mm256_add_epi16(p, _mm256_set1_epi32(INT16_MAX));
    return _mm256_srlv_epi32(p, _mm256_srli_epi32(d, 10));
}

/// Turns scores into weights and returns their sum.
LVT_INLINE int32_t weigh(const head_t *h, int32_t greatest) {
    const __m256i top = _mm256_set1_epi32(greatest);
    __m256i sums = _mm256_setzero_si256();
    for (size_t i = 0; i < h->tokens; i += 16) {
        const __m256i a = weight_x8(_mm256_load_si256((const __m256i *)(h->scores + i)), top);
        const __m256i b = weight_x8(_mm256_load_si256((const __m256i *)(h->scores + i + 8)), top);
        sums = _mm256_add_epi32(sums, _mm256_add_epi32(a, b));
        _mm256_storeu_si256(
            (__m256i *)(h->weights + i),
            _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), _MM_SHUFFLE(3, 1, 2, 0)));
    }
    int32_t lanes[8], sum = 0;
    _mm256_storeu_si256((__m256i *)lanes, sums);
    for (size_t i = 0; i < 8; i++)
        sum += lanes[i];
    return sum;
}

/// The weighted sums of 8 channels, requantized.
LVT_INLINE __m256i mean_x8(const lvt_attention_args *a,
                           const head_t *h,
                           size_t c,
                           float multiplier) {
    __m256i acc = _mm256_setzero_si256();
    const int16_t *values = h->values + 2 * c;
    for (size_t i = 0; i < h->tokens / 2; i++) {
        int32_t pair;
        memcpy(&pair, h->weights + 2 * i, sizeof pair);
        const __m256i v = _mm256_load_si256((const __m256i *)(values + i * h->channels * 2));
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(v, _mm256_set1_epi32(pair)));
    }
    const __m256i q =
        _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_set1_ps(multiplier)));
    return _mm256_add_epi32(q, _mm256_set1_epi32(a->out_zero_point));
}

void lvt_attention_s8__avx2(const lvt_attention_args *a) {
    const head_t h = divide(a);
    for (size_t head = 0; head < a->heads; head++) {
        prepare(a, &h, head);
        for (size_t query = 0; query < a->window * a->window; query++) {
            const size_t first = head * a->head_dim;
            widen(a->q + query * a->stride + first, a->head_dim, h.query, h.channels);
            multiply_keys(&h, a->score_multiplier);
            const int32_t greatest = finish_scores(a, &h, head, query);
            const float multiplier = a->out_multiplier / (float)weigh(&h, greatest);
            int8_t *out = a->out + query * a->out_stride + first;
            for (size_t c = 0; c < a->head_dim; c += 8) {
                const __m256i q = mean_x8(a, &h, c, multiplier);
                const __m128i s16 =
                    _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
                const __m128i s8 = _mm_packs_epi16(s16, s16);
                const size_t n = a->head_dim - c < 8 ? a->head_dim - c : 8;
                if (n == 8)
                    _mm_storel_epi64((__m128i *)(out + c), s8);
                else
                    memcpy(out + c, &s8, n);
            }
        }
    }
}

LVT_TARGET_END
#endif
