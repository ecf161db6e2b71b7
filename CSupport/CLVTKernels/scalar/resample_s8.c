// SPDX-License-Identifier: Apache-2.0
//
// A row of a grid, the definition. The formula is at lvt_resample_args.
#include "internal/kernels.h"

void lvt_resample_s8__scalar(const lvt_resample_args *r) {
    const int32_t below = r->below_weight, above = 128 - below;
    for (size_t i = 0; i < r->width * r->pitch; i++)
        r->scratch[i] = (int16_t)(r->above[i] * above + r->below[i] * below);
    for (size_t x = 0; x < r->columns; x++) {
        const int32_t after = r->places[x].weight, before = 128 - after;
        const int16_t *v = r->scratch + (size_t)r->places[x].first * r->pitch;
        const int16_t *next = after ? v + r->pitch : v;
        int8_t *out = r->out + x * r->pitch;
        for (size_t c = 0; c < r->pitch; c++)
            out[c] = (int8_t)((v[c] * before + next[c] * after + (1 << 13)) >> 14);
    }
}
