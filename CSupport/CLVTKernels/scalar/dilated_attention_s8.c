// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, the definition. The formula is at lvt_dilated_attention_args.
#include "internal/attention.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

/// One head of one position. `k` and `v` are those of position 0.
static void attend(const lvt_dilated_attention_args *a,
                   const ptrdiff_t offsets[LVT_NEIGHBOURS],
                   const int8_t *q,
                   const int8_t *k,
                   const int8_t *v,
                   int8_t *out) {
    int32_t weights[LVT_NEIGHBOURS], greatest = LVT_ATTENTION_MASKED, total = 0;
    for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
        const int32_t sum =
            offsets[i] == PTRDIFF_MAX ? 0 : lvt_dot_s8(q, k + offsets[i], a->head_dim);
        weights[i] = lvt_round_to_even((float)sum * a->score_multiplier);
        greatest = weights[i] > greatest ? weights[i] : greatest;
    }
    for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
        weights[i] = lvt_attention_weight(greatest - weights[i], 0);
        total += weights[i];
    }
    const float multiplier = a->out_multiplier / (float)total;
    for (size_t c = 0; c < a->head_dim; c++) {
        int32_t acc = 0;
        for (size_t i = 0; i < LVT_NEIGHBOURS; i++)
            acc += offsets[i] == PTRDIFF_MAX ? 0 : weights[i] * v[offsets[i] + (ptrdiff_t)c];
        const int32_t r = lvt_round_to_even((float)acc * multiplier);
        out[c] = (int8_t)lvt_clamp(a->out_zero_point + r, -128, 127);
    }
}

void lvt_dilated_attention_s8__scalar(const lvt_dilated_attention_args *a) {
    for (size_t y = a->y_begin; y < a->y_end; y++) {
        for (size_t x = 0; x < a->width; x++) {
            const size_t position = y * a->width + x;
            for (size_t head = 0; head < a->heads; head++) {
                const size_t first = head * a->head_dim;
                ptrdiff_t offsets[LVT_NEIGHBOURS];
                lvt_neighbours(a, y, x, lvt_dilation(a, head), offsets);
                attend(a,
                       offsets,
                       a->q + position * a->stride + first,
                       a->k + first,
                       a->v + first,
                       a->out + position * a->out_stride + first);
            }
        }
    }
}
