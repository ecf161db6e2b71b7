// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 6 rows x 16 columns, k in groups of 16. NEON dot product (SDOT).
// Rows are read in place. Per 16 k: 6 row loads, 16 weight loads, 96 SDOT for 1536 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#include "neon/epilogue.h"

enum { MR = 6 };

/// `quads` of a panel: 2 or 4 times 4 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t quads) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    int32x4_t acc[MR][4];
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        LVT_UNROLL for (size_t q = 0; q < 4; q++) acc[r][q] = vld1q_s32(panel->bias + 4 * q);
    }
    const int8_t *w = panel->weights;
#define FOUR_K(lane)                                                                               \
    do {                                                                                           \
        LVT_UNROLL for (size_t q = 0; q < quads; q++) {                                            \
            const int8x16_t weights = vld1q_s8(w + (lane)*64 + q * 16);                            \
            LVT_UNROLL for (size_t r = 0; r < mr; r++) acc[r][q] =                                 \
                vdotq_laneq_s32(acc[r][q], weights, a[r], lane);                                   \
        }                                                                                          \
    } while (0)
    const int8_t *segment = (const int8_t *)t->a;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        size_t i = 0;
        for (; i + 4 <= t->groups; i += 4, w += 256) {
            int8x16_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] =
                vld1q_s8(segment + r * t->a_stride + i * 4);
            FOUR_K(0);
            FOUR_K(1);
            FOUR_K(2);
            FOUR_K(3);
        }
        for (; i < t->groups; i++, w += 64) {
            int8x16_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] = vreinterpretq_s8_s32(
                vld1q_dup_s32((const int32_t *)(const void *)(segment + r * t->a_stride + i * 4)));
            FOUR_K(0);
        }
    }
#undef FOUR_K
    lvt_gemm_finish_tile(g, panel, acc, t->row, mr, t->panel);
}

LVT_INLINE void run(const lvt_gemm_args *g, lvt_tile tile, const size_t quads) {
    switch (tile.rows) {
        LVT_TILES(6, tile_rows(g, &tile, 6, quads));
        LVT_TILES(5, tile_rows(g, &tile, 5, quads));
        LVT_TILES(4, tile_rows(g, &tile, 4, quads));
        LVT_TILES(3, tile_rows(g, &tile, 3, quads));
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

void lvt_gemm_s8__neondot(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tiles);
}

LVT_TARGET_END
#endif
