// SPDX-License-Identifier: Apache-2.0
//
// Int16 values as int8, the definition. The formula is at lvt_narrow_args.
#include "internal/kernels.h"
#include "internal/requantize.h"

void lvt_narrow_s16__scalar(const lvt_narrow_args *n) {
    for (size_t row = 0; row < n->rows; row++) {
        const int16_t *in = (const void *)((const char *)n->in + row * n->in_stride);
        int8_t *out = n->out + row * n->out_stride;
        for (size_t c = 0; c < n->channels; c++) {
            const float v = (float)in[c] * n->multiplier;
            out[c] = (int8_t)lvt_clamp(n->out_zero_point + lvt_round_to_even(v), -128, 127);
        }
    }
}
