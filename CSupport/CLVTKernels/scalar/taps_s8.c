// SPDX-License-Identifier: Apache-2.0
#include "internal/copy.h"
#include "internal/kernels.h"

void lvt_taps_s8__scalar(const lvt_taps_args *t) {
    const ptrdiff_t kernel = (ptrdiff_t)t->kernel, pad = (kernel - 1) / 2;
    const ptrdiff_t height = (ptrdiff_t)t->height, width = (ptrdiff_t)t->width;
    const size_t segment = (t->kernel * t->channels + 3) / 4 * 4;
    const ptrdiff_t top = (ptrdiff_t)t->row - pad, left = (ptrdiff_t)t->column - pad;
    int8_t *out = t->out;
    for (ptrdiff_t y = top; y < top + kernel; y++, out += segment) {
        for (ptrdiff_t x = 0; x < kernel; x++) {
            const ptrdiff_t column = left + x;
            const bool is_inside = y >= 0 && y < height && column >= 0 && column < width;
            const size_t pixel = (size_t)(y * width + column) * t->pixel_stride;
            lvt_copy_bytes(
                out + (size_t)x * t->channels, is_inside ? t->in + pixel : t->outside, t->channels);
        }
    }
}
