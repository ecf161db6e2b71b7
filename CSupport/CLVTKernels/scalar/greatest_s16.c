// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

void lvt_greatest_s16__scalar(const lvt_greatest_args *g) {
    for (size_t i = 0; i < g->width; i++) {
        const int16_t *v = g->in + i * g->pitch;
        size_t best = 0;
        for (size_t c = 1; c < g->channels; c++)
            best = v[c] > v[best] ? c : best;
        g->out[i] = (uint8_t)best;
    }
}
