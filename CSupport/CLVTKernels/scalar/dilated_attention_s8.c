// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, the definition. The formula is at lvt_dilated_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

static int32_t weigh(const lvt_dilated_attention_args *a,
                     const int8_t *q,
                     const lvt_neighbour_rows k,
                     const size_t head_dim,
                     int16_t weights[16]) {
    int32_t scores[LVT_NEIGHBOURS], greatest = LVT_ATTENTION_MASKED, total = 0;
    for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
        const int32_t sum = lvt_dot_s8(q, k[i], head_dim);
        scores[i] = lvt_round_to_even((float)sum * a->score_multiplier);
        greatest = scores[i] > greatest ? scores[i] : greatest;
    }
    for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
        weights[i] = (int16_t)lvt_attention_weight(greatest - scores[i], 0);
        total += weights[i];
    }
    return total;
}

static void add_values(const lvt_dilated_attention_args *a,
                       const lvt_neighbour_rows v,
                       const int16_t weights[16],
                       float multiplier,
                       const size_t head_dim,
                       int8_t *out) {
    for (size_t c = 0; c < head_dim; c++) {
        int32_t acc = 0;
        for (size_t i = 0; i < LVT_NEIGHBOURS; i++)
            acc += weights[i] * v[i][c];
        const int32_t r = lvt_round_to_even((float)acc * multiplier);
        out[c] = (int8_t)lvt_clamp(a->out_zero_point + r, -128, 127);
    }
}

void lvt_dilated_attention_s8__scalar(const lvt_dilated_attention_args *a) {
    lvt_dilated_run(a, a->head_dim, weigh, add_values);
}
