// SPDX-License-Identifier: Apache-2.0
//
// The loops of attention_s8, shared by every ISA but scalar: a head at a time, four queries at
// once, on int16. A lane is a key, and later a channel, so nothing is summed across lanes. Sums are
// exact integers, so their order does not matter.
//
// The including file defines the type lvt_s32x8, the constants LVT_SIDE_BY_SIDE and LVT_AT_ONCE
// before, and the functions that are declared here without a body.
#pragma once
#include "internal/attention.h"
#include "internal/target_region.h"

/// One head: its operands in scratch. Keys are padded to 16 positions, and channels to 16, with
/// zeros. In `keys` and `values`, LVT_SIDE_BY_SIDE rows alternate element by element.
typedef struct {
    size_t tokens, channels; ///< Padded.
    int32_t *scores;         ///< queries x tokens
    int16_t *keys;           ///< channels x tokens
    int16_t *values;         ///< tokens x channels
    int16_t *queries;        ///< queries x channels
    int16_t *weights;        ///< queries x tokens
} lvt_head;

/// Fills `keys` and `values` from rows that start at `k` and `v`.
LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v);

/// Widens a query and fills it with zeros.
LVT_INLINE void
lvt_widen(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, int16_t *out);

/// sums[i] of 8 * vectors columns = factors[i][0 ..< count] times `count` rows, a multiple of 4.
LVT_INLINE void lvt_multiply(lvt_s32x8 sums[LVT_ATTENTION_QUERIES][LVT_AT_ONCE],
                             const int16_t *factors,
                             size_t factor_stride,
                             const int16_t *rows,
                             size_t row_stride,
                             size_t count,
                             const size_t n,
                             const size_t vectors);

/// Writes the scores of eight sums, before biases.
LVT_INLINE void lvt_store_scores(int32_t *out, lvt_s32x8 sums, float multiplier);

/// Turns scores into weights and returns their sum.
LVT_INLINE int32_t lvt_softmax(const lvt_head *h,
                               const int32_t *scores,
                               int32_t shift,
                               int16_t *weights);

/// What the key norm needs of a query's scores.
typedef struct {
    int32_t keys, sum; ///< Visible keys, and their weights' sum.
    int64_t squares;   ///< And that of the weights' squares.
} lvt_key_sums;

/// Turns scores into weights, and then into int16 ones for visible keys and zeros for others.
LVT_INLINE lvt_key_sums lvt_rectify(const lvt_head *h, int32_t *scores, int16_t *weights);

/// How a query's sums become its output; the softmax uses `factor` alone.
typedef struct {
    lvt_key_sums s;
    float factor, shift;
} lvt_query;

/// Outputs before the zero point, of weighted sums, and of weighted and plain ones.
LVT_INLINE lvt_s32x8 lvt_means(const lvt_query *q, lvt_s32x8 sums);
LVT_INLINE lvt_s32x8 lvt_normalized_means(const lvt_query *q, lvt_s32x8 sums, lvt_s32x8 values);

/// Adds the zero point and stores `n` columns of `vectors`, or all if they are fewer.
LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const lvt_s32x8 means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t vectors);

LVT_INLINE lvt_head lvt_divide_scratch(const lvt_attention_args *a) {
    lvt_head h;
    h.tokens = (a->keys + 15) / 16 * 16;
    h.channels = (a->head_dim + 15) / 16 * 16;
    h.scores = a->scratch;
    h.keys = (int16_t *)(h.scores + LVT_ATTENTION_QUERIES * h.tokens);
    h.values = h.keys + h.tokens * h.channels;
    h.queries = h.values + h.tokens * h.channels;
    h.weights = h.queries + LVT_ATTENTION_QUERIES * h.channels;
    return h;
}

/// Scores of n queries before biases.
LVT_INLINE void lvt_multiply_keys(const lvt_attention_args *a, const lvt_head *h, const size_t n) {
    for (size_t key = 0; key < h->tokens; key += 8 * LVT_AT_ONCE) {
        lvt_s32x8 sums[LVT_ATTENTION_QUERIES][LVT_AT_ONCE];
        const int16_t *keys = h->keys + LVT_SIDE_BY_SIDE * key;
        const size_t count = (a->head_dim + 3) / 4 * 4;
        lvt_multiply(sums, h->queries, h->channels, keys, h->tokens, count, n, LVT_AT_ONCE);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t *out = h->scores + i * h->tokens + key;
            LVT_UNROLL for (size_t j = 0; j < LVT_AT_ONCE; j++)
                lvt_store_scores(out + 8 * j, sums[i][j], a->score_multiplier);
        }
    }
}

/// Adds biases, and masks other regions and padding.
LVT_INLINE void lvt_finish_scores(
    const lvt_attention_args *a, const lvt_head *h, size_t head, size_t query, int32_t *scores) {
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
}

/// The weights of a head's keys for a query.
LVT_INLINE lvt_query lvt_weigh_keys(const lvt_attention_args *a,
                                    const lvt_head *h,
                                    size_t head,
                                    int32_t shift,
                                    int32_t *scores,
                                    int16_t *weights) {
    const lvt_key_norm *norm = a->key_norm;
    if (!norm) {
        const float sum = (float)lvt_softmax(h, scores, shift, weights);
        return (lvt_query){.factor = a->out_multiplier / sum};
    }
    const lvt_key_sums s = lvt_rectify(h, scores, weights);
    const float k = lvt_key_norm_factor(s.keys, s.sum, s.squares, norm->epsilon);
    return (lvt_query){
        s, (k * norm->gamma[head]) * a->out_multiplier, norm->beta[head] * a->out_multiplier};
}

/// The means of 8 * vectors channels from c on, for n queries.
LVT_INLINE void lvt_multiply_values(const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const lvt_query *queries,
                                    int8_t *out,
                                    size_t c,
                                    const size_t n,
                                    const size_t vectors,
                                    const int is_normalized) {
    lvt_s32x8 sums[LVT_ATTENTION_QUERIES][LVT_AT_ONCE], values[LVT_ATTENTION_QUERIES][LVT_AT_ONCE];
    const int16_t *rows = h->values + LVT_SIDE_BY_SIDE * c, *ones = (const int16_t *)h->scores;
    lvt_multiply(sums, h->weights, h->tokens, rows, h->channels, h->tokens, n, vectors);
    // Without regions all queries see the same keys.
    if (is_normalized && a->regions)
        lvt_multiply(values, ones, 2 * h->tokens, rows, h->channels, h->tokens, n, vectors);
    else if (is_normalized)
        lvt_multiply(values, ones, 2 * h->tokens, rows, h->channels, h->tokens, 1, vectors);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        lvt_s32x8 means[LVT_AT_ONCE];
        LVT_UNROLL for (size_t j = 0; j < vectors; j++) means[j] =
            is_normalized
                ? lvt_normalized_means(queries + i, sums[i][j], values[a->regions ? i : 0][j])
                : lvt_means(queries + i, sums[i][j]);
        lvt_store_means(a, means, out + i * a->out_stride + c, a->head_dim - c, vectors);
    }
}

/// The means of all channels.
LVT_INLINE void lvt_multiply_all_values(const lvt_attention_args *a,
                                        const lvt_head *h,
                                        const lvt_query *queries,
                                        int8_t *out,
                                        const size_t n,
                                        const int is_normalized) {
    for (size_t c = 0; c < a->head_dim; c += 8 * LVT_AT_ONCE) {
        if (LVT_AT_ONCE == 1 || c + 8 < a->head_dim)
            lvt_multiply_values(a, h, queries, out, c, n, LVT_AT_ONCE, is_normalized);
        else
            lvt_multiply_values(a, h, queries, out, c, n, 1, is_normalized);
    }
}

/// n queries of one head.
LVT_INLINE void lvt_attend(
    const lvt_attention_args *a, const lvt_head *h, size_t head, size_t query, const size_t n) {
    const size_t first = head * a->head_dim;
    const int32_t shift = lvt_attention_shift(a->keys);
    lvt_query queries[LVT_ATTENTION_QUERIES];
    for (size_t i = 0; i < n; i++)
        lvt_widen(a, h, a->q + (query + i) * a->stride + first, h->queries + i * h->channels);
    lvt_multiply_keys(a, h, n);
    for (size_t i = 0; i < n; i++) {
        int32_t *scores = h->scores + i * h->tokens;
        lvt_finish_scores(a, h, head, query + i, scores);
        queries[i] = lvt_weigh_keys(a, h, head, shift, scores, h->weights + i * h->tokens);
    }
    int8_t *out = a->out + query * a->out_stride + first;
    if (a->key_norm)
        lvt_multiply_all_values(a, h, queries, out, n, 1);
    else
        lvt_multiply_all_values(a, h, queries, out, n, 0);
}

LVT_INLINE void lvt_attention_run(const lvt_attention_args *a) {
    const lvt_head h = lvt_divide_scratch(a);
    for (size_t head = 0; head < a->heads; head++) {
        lvt_prepare_head(a, &h, a->k + head * a->head_dim, a->v + head * a->head_dim);
        size_t query = a->first;
        for (; query + LVT_ATTENTION_QUERIES <= a->first + a->queries;
             query += LVT_ATTENTION_QUERIES)
            lvt_attend(a, &h, head, query, LVT_ATTENTION_QUERIES);
        for (; query < a->first + a->queries; query++)
            lvt_attend(a, &h, head, query, 1);
    }
}
