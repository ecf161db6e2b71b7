// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 2 pixels x 16 channels. NEON without dot product.
//
// The two products that share an int16 lane (products.h) are taps t and t + 4 of one filter row. A
// row of a 7x7 window costs 16 multiplications and 8 SADALP for 16 channels.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"
#include "neon/products.h"
#include "neon/quads.h"

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    lvt_dwconv_prepare_quads(d, in, row);
}

// Adds one or two neighbouring groups of 4 taps of one filter row to n pixels.
LVT_INLINE void add_groups(int32x4_t acc[2][4][2],
                           const int8_t *row,
                           const int8_t *w,
                           const size_t n,
                           const size_t groups) {
    LVT_UNROLL for (size_t q = 0; q < 4; q++, row += 16, w += 16) {
        const int8x16_t w0 = vld1q_s8(w), w1 = groups == 2 ? vld1q_s8(w + 64) : w0;
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            const int8x16_t p0 = vld1q_s8(row + 64 * i);
            if (groups == 2)
                lvt_add_products_x2(acc[i][q], p0, w0, vld1q_s8(row + 64 * (i + 4)), w1);
            else
                lvt_add_products(acc[i][q], p0, w0);
        }
        if (n == 2 && q % 2) {
            LVT_UNROLL for (size_t i = 0; i < n; i++) {
                lvt_finish_first(acc[i][q - 1]);
                lvt_finish_first(acc[i][q]);
            }
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
    int32x4_t acc[2][4][2]; // of four channels each
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        LVT_UNROLL for (size_t q = 0; q < 4; q++) acc[i][q][0] = acc[i][q][1] = vdupq_n_s32(0);
    }
    for (size_t ky = 0; ky < d->kernel; ky++) {
        const int8_t *row = (const int8_t *)rows[ky] + 64 * x;
        const int8_t *w = d->panel->weights + ky * groups * 64;
        for (size_t j = 0; j < groups; j += groups_at_once)
            add_groups(acc, row + 256 * j, w + 64 * j, n, groups_at_once);
    }
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        int32x4_t sums[4];
        LVT_UNROLL for (size_t q = 0; q < 4; q++) sums[q] =
            vaddq_s32(lvt_join_sums(acc[i][q]), vld1q_s32(d->panel->bias + 4 * q));
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
