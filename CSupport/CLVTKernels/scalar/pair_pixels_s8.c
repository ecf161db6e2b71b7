// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

static int16_t pixel(const lvt_pair_pixels_args *a, ptrdiff_t x, size_t c) {
    if (!a->in || x < 0 || x >= (ptrdiff_t)a->width)
        return 0;
    return (int16_t)(a->in[x * (ptrdiff_t)a->pixel_stride + (ptrdiff_t)c] - a->zero_point);
}

void lvt_pair_pixels_s8__scalar(const lvt_pair_pixels_args *a) {
    const ptrdiff_t pad = (ptrdiff_t)(a->kernel - 1) / 2;
    int16_t *out = a->out;
    for (ptrdiff_t x = -pad; x < (ptrdiff_t)a->width + pad; x++) {
        for (size_t c = 0; c < a->channels; c++, out += 2) {
            out[0] = pixel(a, x, c);
            out[1] = pixel(a, x + 1, c);
        }
    }
}
