// SPDX-License-Identifier: Apache-2.0
//
// The scores of attention_s8 in scratch, shared by the ISAs that cannot mask a load: biases are
// added behind the products. Included behind internal/attention_loop.h; the including file defines
// the functions that are declared here without a body.
#pragma once
#include "internal/attention_loop.h"

/// Products of n queries and LVT_LANES * LVT_AT_ONCE keys from `key` on.
LVT_INLINE void lvt_multiply_keys(lvt_s32xn sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n);

/// Writes the scores of LVT_LANES sums, before biases.
LVT_INLINE void lvt_store_scores(int32_t *out, lvt_s32xn sums, float multiplier);

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

LVT_INLINE void lvt_score(
    const lvt_attention_args *a, const lvt_head *h, size_t head, size_t query, const size_t n) {
    for (size_t key = 0; key < h->tokens; key += LVT_LANES * LVT_AT_ONCE) {
        lvt_s32xn sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE];
        lvt_multiply_keys(sums, a, h, key, n);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t *out = h->scores + i * h->tokens + key;
            LVT_UNROLL for (size_t j = 0; j < LVT_AT_ONCE; j++)
                lvt_store_scores(out + LVT_LANES * j, sums[i][j], a->score_multiplier);
        }
    }
    for (size_t i = 0; i < n; i++)
        lvt_finish_scores(a, h, head, query + i, h->scores + i * h->tokens);
}
