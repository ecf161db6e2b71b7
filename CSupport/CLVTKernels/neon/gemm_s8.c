// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 2 rows x 16 columns, k in groups of 8. NEON without dot product.
//
// SMULL and SMLAL put two products into one int16 lane, which is exact because weights stay in
// [-127, 127]: 2 * 128 * 127 = 32512. SADALP adds neighbouring lanes to int32, so an accumulator
// holds two partial sums for each of 2 columns. Rows are read in place. Per 8 k: 16 SMULL/SMLAL
// pairs and 16 SADALP for 256 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"

enum { MR = 2 };

LVT_INLINE int8x8_t four_k(const int8_t *a) {
    return vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)a));
}

LVT_INLINE void tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    const size_t groups = (g->k + 3) / 4;
    int32x4_t acc[MR][8]; // columns 2i and 2i + 1, two partial sums each
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        LVT_UNROLL for (size_t i = 0; i < 8; i++) acc[r][i] = vdupq_n_s32(0);
    }
    const int8_t *w = panel->weights;
    size_t i = 0;
    for (; i + 2 <= groups; i += 2, w += 128) {
        int8x8_t a0[MR], a1[MR];
        LVT_UNROLL for (size_t r = 0; r < mr; r++) {
            const int8_t *row = (const int8_t *)t->a + r * t->a_stride + i * 4;
            a0[r] = four_k(row);
            a1[r] = four_k(row + 4);
        }
        LVT_UNROLL for (size_t c = 0; c < 8; c++) {
            const int8x8_t w0 = vld1_s8(w + c * 8), w1 = vld1_s8(w + 64 + c * 8);
            LVT_UNROLL for (size_t r = 0; r < mr; r++) {
                int16x8_t products = vmull_s8(w0, a0[r]);
                products = vmlal_s8(products, w1, a1[r]);
                acc[r][c] = vpadalq_s16(acc[r][c], products);
            }
        }
    }
    if (i < groups) {
        int8x8_t a0[MR];
        LVT_UNROLL for (size_t r = 0; r < mr; r++) a0[r] =
            four_k((const int8_t *)t->a + r * t->a_stride + i * 4);
        LVT_UNROLL for (size_t c = 0; c < 8; c++) {
            const int8x8_t w0 = vld1_s8(w + c * 8);
            LVT_UNROLL for (size_t r = 0; r < mr; r++) acc[r][c] =
                vpadalq_s16(acc[r][c], vmull_s8(w0, a0[r]));
        }
    }
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        int32x4_t sums[4];
        LVT_UNROLL for (size_t q = 0; q < 4; q++) sums[q] =
            vaddq_s32(vpaddq_s32(acc[r][2 * q], acc[r][2 * q + 1]), vld1q_s32(panel->bias + 4 * q));
        lvt_gemm_finish(g, sums, panel, t->row + r, t->panel);
    }
}

static void run_tile(const lvt_gemm_args *g, const lvt_tile *t) {
    if (t->rows == 2)
        tile_rows(g, t, 2);
    else
        tile_rows(g, t, 1);
}

void lvt_gemm_s8__neon(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tile);
}
#endif
