// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, the definition. See lvt_dwconv_args for shapes and ranges.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#include "internal/requantize.h"
#include <string.h>

// A prepared row is the row with (K - 1) / 2 pixels of zero point at both ends, 16 bytes a pixel.
static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    const size_t pad = (d->kernel - 1) / 2;
    int8_t *pixels = row;
    memset(pixels, d->in_zero_point, (d->width + 2 * pad) * LVT_BLOCK);
    if (in)
        for (size_t x = 0; x < d->width; x++)
            memcpy(pixels + (pad + x) * LVT_BLOCK, in + x * d->pixel_stride, LVT_BLOCK);
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    const lvt_panel *p = d->panel;
    const size_t groups = lvt_dwconv_groups(d->kernel);
    const int8_t *residual = lvt_dwconv_residual(d, out);
    for (size_t x = 0; x < d->width; x++) {
        for (size_t c = 0; c < LVT_BLOCK; c++) {
            int32_t acc = p->bias[c];
            for (size_t ky = 0; ky < d->kernel; ky++) {
                const int8_t *w = p->weights + ky * groups * 64 + c * 4;
                const int8_t *pixels = (const int8_t *)rows[ky] + x * LVT_BLOCK + c;
                for (size_t kx = 0; kx < d->kernel; kx++)
                    acc += pixels[kx * LVT_BLOCK] * w[kx / 4 * 64 + kx % 4];
            }
            float v = (float)acc * p->multiplier[c];
            if (residual) {
                const int32_t r = residual[x * d->pixel_stride + c] - d->in_zero_point;
                const float addend = (float)r * d->residual_multiplier;
                v = v + addend;
            }
            const int32_t q = d->out_zero_point + lvt_round_to_even(v);
            out[x * d->pixel_stride + c] = (int8_t)lvt_clamp(q, d->out_lo, 127);
        }
    }
}

void lvt_dwconv_s8__scalar(const lvt_dwconv_args *d) {
    lvt_dwconv_run(d, prepare, run_row);
}
