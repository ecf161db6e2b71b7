// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 2 pixels x 16 channels. NEON without dot product.
//
// As in neon/gemm_s8.c, SMULL and SMLAL put two products into an int16 lane: taps t and t + 4 of
// one filter row. A row of a 7x7 window costs 16 multiplications and 8 SADALP for 16 channels.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"
#include "neon/quads.h"

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    lvt_dwconv_prepare_quads(d, in, row);
}

// Adds one or two neighbouring groups of 4 taps of one filter row to n pixels.
LVT_INLINE void add_groups(
    int32x4_t acc[2][8], const int8_t *row, const int8_t *w, const size_t n, const size_t groups) {
    LVT_UNROLL for (size_t q = 0; q < 4; q++) {
        const int8x16_t w0 = vld1q_s8(w + 16 * q);
        const int8x16_t w1 = groups == 2 ? vld1q_s8(w + 64 + 16 * q) : w0;
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const int8x16_t p0 = vld1q_s8(row + 64 * i + 16 * q);
            int16x8_t lo = vmull_s8(vget_low_s8(p0), vget_low_s8(w0));
            int16x8_t hi = vmull_high_s8(p0, w0);
            if (groups == 2) {
                const int8x16_t p1 = vld1q_s8(row + 64 * (i + 4) + 16 * q);
                lo = vmlal_s8(lo, vget_low_s8(p1), vget_low_s8(w1));
                hi = vmlal_high_s8(hi, p1, w1);
            }
            acc[i][2 * q] = vpadalq_s16(acc[i][2 * q], lo);
            acc[i][2 * q + 1] = vpadalq_s16(acc[i][2 * q + 1], hi);
        }
    }
}

LVT_INLINE void tile(const lvt_dwconv_args *d,
                     const void *const *rows,
                     int8_t *out,
                     size_t x,
                     const size_t n,
                     const size_t groups_at_once) {
    const size_t groups = lvt_dwconv_groups(d->kernel);
    int32x4_t acc[2][8]; // channels 2i and 2i + 1, two partial sums each
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        LVT_UNROLL for (size_t j = 0; j < 8; j++) acc[i][j] = vdupq_n_s32(0);
    }
    for (size_t ky = 0; ky < d->kernel; ky++) {
        const int8_t *row = (const int8_t *)rows[ky] + 64 * x;
        const int8_t *w = d->panel->weights + ky * groups * 64;
        for (size_t j = 0; j < groups; j += groups_at_once)
            add_groups(acc, row + 256 * j, w + 64 * j, n, groups_at_once);
    }
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        int32x4_t sums[4];
        LVT_UNROLL for (size_t q = 0; q < 4; q++) sums[q] = vaddq_s32(
            vpaddq_s32(acc[i][2 * q], acc[i][2 * q + 1]), vld1q_s32(d->panel->bias + 4 * q));
        lvt_dwconv_finish(d, sums, out + (x + i) * d->pixel_stride);
    }
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    if (lvt_dwconv_groups(d->kernel) == 2)
        lvt_dwconv_tile_row(d, rows, out, 2, 2, tile);
    else
        lvt_dwconv_tile_row(d, rows, out, 2, 1, tile);
}

void lvt_dwconv_s8__neon(const lvt_dwconv_args *d) {
    lvt_dwconv_run(d, prepare, run_row);
}
#endif
