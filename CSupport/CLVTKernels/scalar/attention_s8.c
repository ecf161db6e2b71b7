// SPDX-License-Identifier: Apache-2.0
//
// Attention, the definition. The formula is at lvt_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

/// Scores of one query, and the greatest of them.
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

static int8_t quantize(const lvt_attention_args *a, float v) {
    return (int8_t)lvt_clamp(a->out_zero_point + lvt_round_to_even(v), -128, 127);
}

static void softmax(
    const lvt_attention_args *a, const int8_t *v, int32_t *scores, int32_t greatest, int8_t *out) {
    const float multiplier = a->out_multiplier / (float)weigh(scores, a->keys, greatest);
    for (size_t c = 0; c < a->head_dim; c++) {
        int32_t acc = 0;
        for (size_t key = 0; key < a->keys; key++)
            acc += scores[key] * v[key * a->stride + c];
        out[c] = quantize(a, (float)acc * multiplier);
    }
}

static void layernorm(
    const lvt_attention_args *a, size_t head, const int8_t *v, const int32_t *scores, int8_t *out) {
    int64_t n = 0, sum = 0, squares = 0;
    for (size_t key = 0; key < a->keys; key++) {
        if (scores[key] == LVT_ATTENTION_MASKED)
            continue;
        const int64_t r = lvt_clamp(scores[key], 0, INT16_MAX);
        n++;
        sum += r;
        squares += r * r;
    }
    const float k = lvt_key_norm_factor(n, sum, squares, a->key_norm->epsilon);
    const float factor = (k * a->key_norm->gamma[head]) * a->out_multiplier;
    const float shift = a->key_norm->beta[head] * a->out_multiplier;
    for (size_t c = 0; c < a->head_dim; c++) {
        int64_t acc = 0, values = 0;
        for (size_t key = 0; key < a->keys; key++) {
            if (scores[key] == LVT_ATTENTION_MASKED)
                continue;
            acc += lvt_clamp(scores[key], 0, INT16_MAX) * v[key * a->stride + c];
            values += v[key * a->stride + c];
        }
        const float weighted = (float)(n * acc - sum * values) * factor;
        const float shifted = (float)values * shift;
        out[c] = quantize(a, weighted + shifted);
    }
}

void lvt_attention_s8__scalar(const lvt_attention_args *a) {
    int32_t *scores = a->scratch;
    for (size_t head = 0; head < a->heads; head++) {
        const int8_t *v = a->v + head * a->head_dim;
        for (size_t query = a->first; query < a->first + a->queries; query++) {
            const int8_t *q = a->q + query * a->stride + head * a->head_dim;
            int8_t *out = a->out + query * a->out_stride + head * a->head_dim;
            const int32_t greatest = score(a, head, query, q, scores);
            if (a->key_norm)
                layernorm(a, head, v, scores, out);
            else
                softmax(a, v, scores, greatest, out);
        }
    }
}
