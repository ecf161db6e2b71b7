// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise attention, the definition. The formulas are at lvt_depthwise_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

static int8_t quantize(const lvt_depthwise_attention_args *a, float v) {
    return (int8_t)lvt_clamp(a->out_zero_point + lvt_round_to_even(v), -128, 127);
}

static void softmax(const lvt_depthwise_attention_args *a,
                    const lvt_depthwise_neighbours *near,
                    const int8_t *query,
                    int8_t *out) {
    const size_t n = a->kernel * a->kernel;
    for (size_t c = 0; c < a->channels; c++) {
        int32_t scores[LVT_MAXIMUM_NEIGHBOURS], greatest = LVT_ATTENTION_MASKED, total = 0, acc = 0;
        for (size_t i = 0; i < n; i++) {
            const float product = (float)(query[c] * near->k[i][c]) * a->score_multiplier[c];
            scores[i] = lvt_round_to_even(product) + a->bias[i * a->channels + c];
            greatest = scores[i] > greatest ? scores[i] : greatest;
        }
        for (size_t i = 0; i < n; i++) {
            const int32_t w = lvt_attention_weight(greatest - scores[i], 0);
            total += w;
            acc += w * near->v[i][c];
        }
        out[c] = quantize(a, (float)acc * (a->out_multiplier[c] / (float)total));
    }
}

static void layernorm(const lvt_depthwise_attention_args *a,
                      const lvt_depthwise_neighbours *near,
                      const int8_t *query,
                      int8_t *out) {
    const size_t n = a->kernel * a->kernel;
    for (size_t c = 0; c < a->channels; c++) {
        int64_t sum = 0, squares = 0, acc = 0, values = 0;
        for (size_t i = 0; i < n; i++) {
            const int32_t t = query[c] * near->k[i][c] + a->bias[i * a->channels + c];
            const int64_t r = lvt_clamp(t, 0, INT16_MAX);
            sum += r;
            squares += r * r;
            acc += r * near->v[i][c];
            values += near->v[i][c];
        }
        const float k = lvt_key_norm_factor((int64_t)n, sum, squares, a->epsilon[c]);
        const float weighted = (float)((int64_t)n * acc - sum * values) * (k * a->gamma[c]);
        const float shifted = (float)values * a->beta[c];
        out[c] = quantize(a, weighted + shifted);
    }
}

void lvt_depthwise_softmax_s8__scalar(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, softmax);
}

void lvt_depthwise_layernorm_s8__scalar(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, layernorm);
}
