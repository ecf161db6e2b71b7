// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each column of a grid, the definition. The formula is at
// lvt_label_row_args.
#include "internal/kernels.h"

void lvt_label_row_s16__scalar(const lvt_label_row_args *l) {
    const int32_t below = l->below_weight, above = 128 - below;
    for (size_t x = 0; x < l->columns; x++) {
        const int32_t after = l->places[x].weight, before = 128 - after;
        const size_t first = (size_t)l->places[x].first * l->pitch;
        const size_t next = after ? first + l->pitch : first;
        size_t best = 0;
        int32_t greatest = INT32_MIN;
        for (size_t c = 0; c < l->channels; c++) {
            const int32_t v = l->above[first + c] * above + l->below[first + c] * below;
            const int32_t w = l->above[next + c] * above + l->below[next + c] * below;
            const int32_t value = v * before + w * after;
            if (value > greatest) {
                greatest = value;
                best = c;
            }
        }
        l->out[x] = (uint8_t)best;
    }
}
