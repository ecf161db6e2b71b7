// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 4 pixels x 16 channels. NEON dot product: one SDOT multiplies 4
// neighbouring taps of 4 channels, so a 7x7 window costs 56 SDOT for 16 channels.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#include "neon/epilogue.h"
#include "neon/quads.h"

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    lvt_dwconv_prepare_quads(d, in, row);
}

// Any number of groups runs in one loop here, so `at_once` is not used.
LVT_INLINE void tile(const lvt_dwconv_args *d,
                     const void *const *rows,
                     int8_t *out,
                     size_t x,
                     const size_t n,
                     const size_t at_once) {
    (void)at_once;
    const size_t groups = lvt_dwconv_groups(d->kernel);
    int32x4_t acc[4][4];
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        LVT_UNROLL for (size_t q = 0; q < 4; q++) acc[i][q] = vld1q_s32(d->panel->bias + 4 * q);
    }
    const int8_t *w = d->panel->weights;
    for (size_t ky = 0; ky < d->kernel; ky++) {
        const int8_t *row = (const int8_t *)rows[ky] + 64 * x;
        for (size_t j = 0; j < groups; j++, w += 64, row += 256) {
            LVT_UNROLL for (size_t q = 0; q < 4; q++) {
                const int8x16_t weights = vld1q_s8(w + 16 * q);
                LVT_UNROLL for (size_t i = 0; i < n; i++) acc[i][q] =
                    vdotq_s32(acc[i][q], vld1q_s8(row + 64 * i + 16 * q), weights);
            }
        }
    }
    LVT_UNROLL for (size_t i = 0; i < n; i++)
        lvt_dwconv_finish(d, acc[i], out + (x + i) * d->pixel_stride);
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    lvt_dwconv_tile_row(d, rows, out, 4, 1, tile);
}

void lvt_dwconv_s8__neondot(const lvt_dwconv_args *d) {
    lvt_dwconv_run(d, prepare, run_row);
}

LVT_TARGET_END
#endif
