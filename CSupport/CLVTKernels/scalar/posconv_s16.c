// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution with taps of each position, the definition. See lvt_posconv_args.
#include "internal/kernels.h"
#include "internal/requantize.h"

static int32_t accumulate(const lvt_posconv_args *a, size_t pixel, size_t c) {
    const size_t groups = a->groups, last = a->kernel - 1;
    const size_t group = c / a->group_channels < groups ? c / a->group_channels : groups - 1;
    const int16_t *taps = a->taps + pixel * lvt_posconv_tap_count(a->kernel, groups) + 2 * group;
    int32_t acc = 0;
    for (size_t ky = 0; ky <= last; ky++) {
        for (size_t kx = 0; kx <= last; kx++) {
            const size_t t = kx < last ? ky * last + kx : a->kernel * last + ky;
            const int16_t x = a->rows[ky][((pixel + kx) * a->channels + c) * 2];
            acc += x * taps[t / 2 * groups * 2 + t % 2];
        }
    }
    return acc;
}

void lvt_posconv_s16__scalar(const lvt_posconv_args *a) {
    for (size_t pixel = 0; pixel < a->count; pixel++) {
        int8_t *out = a->out + pixel * a->out_stride;
        for (size_t c = 0; c < a->channels; c++) {
            const float scaled = (float)accumulate(a, pixel, c) * a->multiplier[c];
            const float v = scaled + a->bias[c];
            const int32_t q = a->out_zero_point + lvt_round_to_even(v);
            out[c] = (int8_t)lvt_clamp(q, a->out_lo, 127);
        }
    }
}
