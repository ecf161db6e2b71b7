// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 2 rows x 16 columns, k in groups of 8. NEON without dot product.
// Rows are read in place. Per 8 k: 32 SMULL or SMLAL and 16 SADALP for 256 products, 10 loads.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"
#include "neon/products.h"

enum { MR = 2 };

/// `quads` of a panel: 2 or 4 times 4 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t quads) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    int32x4_t acc[MR][4][2]; // of four columns each
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        LVT_UNROLL for (size_t q = 0; q < 4; q++) acc[r][q][0] = acc[r][q][1] = vdupq_n_s32(0);
    }
    const int8_t *segment = (const int8_t *)t->a, *w = panel->weights;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        size_t i = 0;
        // The loop is unrolled twice, since an in-order core pays for a loop's end.
        LVT_UNROLL_BY(2)
        for (; i + 2 <= t->groups; i += 2, w += 128) {
            int32x4x2_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] =
                vld2q_dup_s32((const int32_t *)(const void *)(segment + r * t->a_stride + i * 4));
            LVT_UNROLL for (size_t q = 0; q < quads; q++) {
                const int8x16_t w0 = vld1q_s8(w + 16 * q), w1 = vld1q_s8(w + 64 + 16 * q);
                LVT_UNROLL for (size_t r = 0; r < mr; r++)
                    lvt_add_products_x2(acc[r][q],
                                        vreinterpretq_s8_s32(a[r].val[0]),
                                        w0,
                                        vreinterpretq_s8_s32(a[r].val[1]),
                                        w1);
                if (q % 2) {
                    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
                        lvt_finish_first(acc[r][q - 1]);
                        lvt_finish_first(acc[r][q]);
                    }
                }
            }
        }
        if (i < t->groups) {
            int32x4_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] =
                vld1q_dup_s32((const int32_t *)(const void *)(segment + r * t->a_stride + i * 4));
            LVT_UNROLL for (size_t q = 0; q < quads; q++) {
                const int8x16_t w0 = vld1q_s8(w + 16 * q);
                LVT_UNROLL for (size_t r = 0; r < mr; r++)
                    lvt_add_products(acc[r][q], vreinterpretq_s8_s32(a[r]), w0);
            }
            w += 64;
        }
    }
    int32x4_t bias[4];
    LVT_UNROLL for (size_t q = 0; q < 4; q++) bias[q] = vld1q_s32(panel->bias + 4 * q);
    int32x4_t row[MR][4];
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        LVT_UNROLL for (size_t q = 0; q < 4; q++) row[r][q] =
            vaddq_s32(lvt_join_sums(acc[r][q]), bias[q]);
    }
    lvt_gemm_finish_tile(g, panel, row, t->row, mr, t->panel);
}

LVT_INLINE void run(const lvt_gemm_args *g, lvt_tile tile, const size_t quads) {
    switch (tile.rows) {
        LVT_TILES(2, tile_rows(g, &tile, 2, quads));
        LVT_TILES(1, tile_rows(g, &tile, 1, quads));
    }
}

static void run_tiles(const lvt_gemm_args *g, lvt_tile tile) {
    if (tile.is_half)
        run(g, tile, 2);
    else
        run(g, tile, 4);
}

void lvt_gemm_s8__neon(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tiles);
}
#endif
