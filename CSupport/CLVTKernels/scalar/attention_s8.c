// SPDX-License-Identifier: Apache-2.0
//
// Softmax attention, the definition. The formula is at lvt_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

/// Scores of one query in 1024ths of a doubling, and the greatest of them.
static int32_t
score(const lvt_attention_args *a, size_t head, size_t query, const int8_t *q, int32_t *scores) {
    const int8_t *k = a->k + head * a->head_dim;
    const int32_t *bias = lvt_attention_bias(a, head, query);
    int32_t greatest = LVT_ATTENTION_MASKED;
    for (size_t key = 0; key < a->keys; key++) {
        scores[key] = LVT_ATTENTION_MASKED;
        if (a->regions && a->regions[key] != a->regions[query])
            continue;
        const int32_t sum = lvt_dot_s8(q, k + key * a->stride, a->head_dim);
        scores[key] = lvt_round_to_even((float)sum * a->score_multiplier);
        if (bias)
            scores[key] += bias[key / a->window * (2 * a->window - 1) + key % a->window];
        greatest = scores[key] > greatest ? scores[key] : greatest;
    }
    return greatest;
}

/// Replaces scores by their weights and returns the weights' sum.
static int32_t weigh(int32_t *scores, size_t keys, int32_t greatest) {
    const int32_t shift = lvt_attention_shift(keys);
    int32_t sum = 0;
    for (size_t key = 0; key < keys; key++) {
        scores[key] = lvt_attention_weight(greatest - scores[key], shift);
        sum += scores[key];
    }
    return sum;
}

void lvt_attention_s8__scalar(const lvt_attention_args *a) {
    int32_t *scores = a->scratch;
    for (size_t head = 0; head < a->heads; head++) {
        const int8_t *v = a->v + head * a->head_dim;
        for (size_t query = a->first; query < a->first + a->queries; query++) {
            const int8_t *q = a->q + query * a->stride + head * a->head_dim;
            const int32_t greatest = score(a, head, query, q, scores);
            const float multiplier = a->out_multiplier / (float)weigh(scores, a->keys, greatest);
            int8_t *out = a->out + query * a->out_stride + head * a->head_dim;
            for (size_t c = 0; c < a->head_dim; c++) {
                int32_t acc = 0;
                for (size_t key = 0; key < a->keys; key++)
                    acc += scores[key] * v[key * a->stride + c];
                const int32_t r = lvt_round_to_even((float)acc * multiplier);
                out[c] = (int8_t)lvt_clamp(a->out_zero_point + r, -128, 127);
            }
        }
    }
}
