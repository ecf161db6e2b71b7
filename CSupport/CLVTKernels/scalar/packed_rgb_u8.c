// SPDX-License-Identifier: Apache-2.0
//
// Colours in another order, or with a byte between pixels, as RGB: the definition.
#include "internal/kernels.h"

void lvt_packed_rgb_u8__scalar(const lvt_packed_rgb_args *a) {
    for (size_t x = 0; x < a->width; x++) {
        const uint8_t *pixel = a->in + x * a->step;
        a->rgb[3 * x] = pixel[a->red];
        a->rgb[3 * x + 1] = pixel[a->green];
        a->rgb[3 * x + 2] = pixel[a->blue];
    }
}
