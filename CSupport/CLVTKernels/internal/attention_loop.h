// SPDX-License-Identifier: Apache-2.0
//
// The loops of attention_s8, shared by every ISA but scalar: a head at a time, some queries at
// once. A lane is a key, and later a channel, so nothing is summed across lanes. Sums are exact
// integers, so their order does not matter.
//
// The including file defines before:
//
//   lvt_s32xn              LVT_LANES int32
//   LVT_AT_ONCE            such vectors, of keys or channels, that a product works on at once
//   LVT_QUERIES_AT_ONCE    at most 8 if keys have one byte each, else at most 4
//   LVT_KEY_BYTES          1 or 2, of a channel of a key and of a query in scratch
//
// and the functions that are declared here without a body.
#pragma once
#include "internal/attention.h"
#include "internal/target_region.h"

/// One head: its operands in scratch, each 64-byte aligned. Keys are padded to 16 positions, and
/// channels to 16, with zeros. The order of `keys` and
/// `values` is the ISA's own.
typedef struct {
    size_t tokens, channels; ///< Padded.
    int32_t *scores;         ///< queries x tokens
    int16_t *weights; ///< queries x weight_stride, as the ISA wants them; the softmax's are where
                      ///< the scores were.
    size_t weight_stride;
    void *keys;
    void *values;
    void *queries;   ///< queries x channels
    int32_t *starts; ///< tokens, if keys have one byte: what the ISA corrects its sums by.
} lvt_head;

/// Fills `keys`, `values` and `starts` from rows that start at `k` and `v`.
LVT_INLINE void
lvt_prepare_head(const lvt_attention_args *a, const lvt_head *h, const int8_t *k, const int8_t *v);

/// Copies a query's channels to row i of `queries`.
LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i);

/// Fills `scores` for n queries; those of other regions and of padding are LVT_ATTENTION_MASKED.
LVT_INLINE void lvt_score(
    const lvt_attention_args *a, const lvt_head *h, size_t head, size_t query, const size_t n);

/// sums[i] = factors[i] times the values of all keys, for `columns` channels from c on.
LVT_INLINE void lvt_multiply_values(lvt_s32xn sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                    const lvt_attention_args *a,
                                    const lvt_head *h,
                                    const int16_t *factors,
                                    size_t factor_stride,
                                    size_t c,
                                    const size_t n,
                                    const size_t columns);

/// Turns n queries' scores into weights, which may take their place, and returns their sums.
LVT_INLINE void
lvt_softmax(const lvt_head *h, int32_t shift, int32_t sums[LVT_QUERIES_AT_ONCE], const size_t n);

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
LVT_INLINE lvt_s32xn lvt_means(const lvt_query *q, lvt_s32xn sums);
LVT_INLINE lvt_s32xn lvt_normalized_means(const lvt_query *q, lvt_s32xn sums, lvt_s32xn values);

/// Adds the zero point and stores `n` of `columns`, or all if they are fewer.
LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const lvt_s32xn means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t columns);

LVT_INLINE lvt_head lvt_divide_scratch(const lvt_attention_args *a) {
    lvt_head h;
    h.tokens = (a->keys + 15) / 16 * 16;
    h.channels = (a->head_dim + 15) / 16 * 16;
    h.scores = a->scratch;
    h.weights = a->scratch;
    h.weight_stride = 2 * h.tokens;
    if (a->key_norm) {
        // The values' factors take the scores' place, and the weights are behind.
        h.weights = (int16_t *)(h.scores + LVT_ATTENTION_QUERIES * h.tokens);
        h.weight_stride = h.tokens;
    }
    // Four queries' scores and weights, or more queries' scores alone.
    const size_t places = LVT_QUERIES_AT_ONCE > 6 ? 4 * LVT_QUERIES_AT_ONCE : 24;
    char *next = (char *)a->scratch + places * h.tokens;
    h.keys = next;
    next += h.tokens * h.channels * LVT_KEY_BYTES;
    h.starts = (int32_t *)next;
    next += LVT_KEY_BYTES == 1 ? h.tokens * sizeof(int32_t) : 0;
    h.values = next;
    next += h.tokens * h.channels * sizeof(int16_t);
    h.queries = next;
    return h;
}

/// Turns n queries' scores into weights.
LVT_INLINE void lvt_weigh_keys(const lvt_attention_args *a,
                               const lvt_head *h,
                               lvt_query queries[LVT_QUERIES_AT_ONCE],
                               const size_t n) {
    int32_t sums[LVT_QUERIES_AT_ONCE];
    lvt_softmax(h, lvt_attention_shift(a->keys), sums, n);
    LVT_UNROLL for (size_t i = 0; i < n; i++) queries[i].factor =
        a->out_multiplier / (float)sums[i];
}

/// The same with a key norm.
LVT_INLINE void lvt_normalize_keys(const lvt_attention_args *a,
                                   const lvt_head *h,
                                   size_t head,
                                   lvt_query queries[LVT_QUERIES_AT_ONCE],
                                   const size_t n) {
    const lvt_key_norm *norm = a->key_norm;
    for (size_t i = 0; i < n; i++) {
        const lvt_key_sums s =
            lvt_rectify(h, h->scores + i * h->tokens, h->weights + i * h->weight_stride);
        const float k = lvt_key_norm_factor(s.keys, s.sum, s.squares, norm->epsilon);
        queries[i] = (lvt_query){
            s, (k * norm->gamma[head]) * a->out_multiplier, norm->beta[head] * a->out_multiplier};
    }
}

/// The means of `columns` channels from c on, for n queries.
LVT_INLINE void lvt_make_means(const lvt_attention_args *a,
                               const lvt_head *h,
                               const lvt_query *queries,
                               int8_t *out,
                               size_t c,
                               const size_t n,
                               const size_t columns,
                               const int is_normalized) {
    lvt_s32xn sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE], values[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE];
    const int16_t *ones = (const int16_t *)h->scores;
    lvt_multiply_values(sums, a, h, h->weights, h->weight_stride, c, n, columns);
    // Without regions all queries see the same keys.
    if (is_normalized && a->regions)
        lvt_multiply_values(values, a, h, ones, 2 * h->tokens, c, n, columns);
    else if (is_normalized)
        lvt_multiply_values(values, a, h, ones, 2 * h->tokens, c, 1, columns);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        lvt_s32xn means[LVT_AT_ONCE];
        LVT_UNROLL for (size_t j = 0; j * LVT_LANES < columns; j++) means[j] =
            is_normalized
                ? lvt_normalized_means(queries + i, sums[i][j], values[a->regions ? i : 0][j])
                : lvt_means(queries + i, sums[i][j]);
        lvt_store_means(a, means, out + i * a->out_stride + c, a->head_dim - c, columns);
    }
}

/// The means of all channels, eight to LVT_LANES * LVT_AT_ONCE at once.
LVT_INLINE void lvt_make_all_means(const lvt_attention_args *a,
                                   const lvt_head *h,
                                   const lvt_query *queries,
                                   int8_t *out,
                                   const size_t n,
                                   const int is_normalized) {
    const size_t most = LVT_LANES * LVT_AT_ONCE;
    for (size_t c = 0; c < a->head_dim; c += most) {
        const size_t left = a->head_dim - c;
        if (most > 24 && left > 24)
            lvt_make_means(a, h, queries, out, c, n, 32, is_normalized);
        else if (most > 16 && left > 16)
            lvt_make_means(a, h, queries, out, c, n, 24, is_normalized);
        else if (most > 8 && left > 8)
            lvt_make_means(a, h, queries, out, c, n, 16, is_normalized);
        else
            lvt_make_means(a, h, queries, out, c, n, 8, is_normalized);
    }
}

/// n queries of one head.
LVT_INLINE void lvt_attend(const lvt_attention_args *a,
                           const lvt_head *h,
                           size_t head,
                           size_t query,
                           const size_t n,
                           const int is_normalized) {
    const size_t first = head * a->head_dim;
    lvt_query queries[LVT_QUERIES_AT_ONCE];
    for (size_t i = 0; i < n; i++)
        lvt_prepare_query(a, h, a->q + (query + i) * a->stride + first, i);
    lvt_score(a, h, head, query, n);
    if (is_normalized)
        lvt_normalize_keys(a, h, head, queries, n);
    else
        lvt_weigh_keys(a, h, queries, n);
    lvt_make_all_means(a, h, queries, a->out + query * a->out_stride + first, n, is_normalized);
}

/// All queries of all heads, `at_once` or one by one.
LVT_INLINE void
lvt_attend_all(const lvt_attention_args *a, const size_t at_once, const int is_normalized) {
    const lvt_head h = lvt_divide_scratch(a);
    const size_t end = a->first + a->queries;
    for (size_t head = 0; head < a->heads; head++) {
        lvt_prepare_head(a, &h, a->k + head * a->head_dim, a->v + head * a->head_dim);
        size_t query = a->first;
        for (; query + at_once <= end; query += at_once)
            lvt_attend(a, &h, head, query, at_once, is_normalized);
        for (; query < end; query++)
            lvt_attend(a, &h, head, query, 1, is_normalized);
    }
}

LVT_INLINE void lvt_attention_run(const lvt_attention_args *a) {
    if (a->key_norm)
        lvt_attend_all(a, LVT_ATTENTION_QUERIES, 1);
    else
        lvt_attend_all(a, LVT_QUERIES_AT_ONCE, 0);
}
