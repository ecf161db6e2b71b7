// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise attention, the definition. The formulas are at lvt_depthwise_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

/// A channel of a position and of its neighbours.
typedef struct {
    size_t c, n;
    int32_t q;
    const int8_t *const *k, *const *v; ///< n each, at channel 0
} channel_t;

static int8_t quantize(const lvt_depthwise_attention_args *a, float v) {
    return (int8_t)lvt_clamp(a->out_zero_point + lvt_round_to_even(v), -128, 127);
}

static int8_t softmax(const lvt_depthwise_attention_args *a, const channel_t *x) {
    int32_t weights[LVT_MAXIMUM_NEIGHBOURS], greatest = LVT_ATTENTION_MASKED, total = 0, acc = 0;
    for (size_t i = 0; i < x->n; i++) {
        const float product = (float)(x->q * x->k[i][x->c]) * a->score_multiplier[x->c];
        weights[i] = lvt_round_to_even(product) + a->bias[i * a->channels + x->c];
        greatest = weights[i] > greatest ? weights[i] : greatest;
    }
    for (size_t i = 0; i < x->n; i++) {
        const int32_t w = lvt_attention_weight(greatest - weights[i], 0);
        total += w;
        acc += w * x->v[i][x->c];
    }
    return quantize(a, (float)acc * (a->out_multiplier[x->c] / (float)total));
}

static int8_t layernorm(const lvt_depthwise_attention_args *a, const channel_t *x) {
    const int64_t n = (int64_t)x->n;
    int64_t sum = 0, squares = 0, acc = 0, values = 0;
    for (size_t i = 0; i < x->n; i++) {
        const int32_t t = x->q * x->k[i][x->c] + a->bias[i * a->channels + x->c];
        const int64_t r = lvt_clamp(t, 0, INT16_MAX);
        sum += r;
        squares += r * r;
        acc += r * x->v[i][x->c];
        values += x->v[i][x->c];
    }
    const float k = lvt_key_norm_factor(n, sum, squares, a->epsilon[x->c]);
    const float weighted = (float)(n * acc - sum * values) * (k * a->gamma[x->c]);
    const float shift = (float)values * a->beta[x->c];
    return quantize(a, weighted + shift);
}

static inline void run(const lvt_depthwise_attention_args *a,
                       int8_t attend(const lvt_depthwise_attention_args *, const channel_t *)) {
    lvt_depthwise_neighbours near;
    int8_t *zeros = a->scratch;
    for (size_t c = 0; c < a->channels; c++)
        zeros[c] = 0;
    for (size_t y = a->y_begin; y < a->y_end; y++) {
        for (size_t x = 0; x < a->width; x++) {
            const int8_t *q = a->q + (y * a->width + x) * a->stride;
            int8_t *out = a->out + (y * a->width + x) * a->out_stride;
            lvt_find_neighbours(a, y, x, zeros, &near);
            for (size_t c = 0; c < a->channels; c++) {
                const channel_t channel = {c, a->kernel * a->kernel, q[c], near.k, near.v};
                out[c] = attend(a, &channel);
            }
        }
    }
}

void lvt_depthwise_softmax_s8__scalar(const lvt_depthwise_attention_args *a) {
    run(a, softmax);
}

void lvt_depthwise_layernorm_s8__scalar(const lvt_depthwise_attention_args *a) {
    run(a, layernorm);
}
