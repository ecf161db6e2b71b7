// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 4 rows x 16 columns, k in groups of 16. NEON dot product (SDOT).
// Rows are read in place. Per 16 k: 4 row loads, 16 weight loads, 64 SDOT for 1024 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#include "neon/epilogue.h"

enum { MR = 4 };

/// `quads` of a panel: 2 or 4 times 4 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t quads) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    const size_t groups = lvt_gemm_groups(g);
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
    const int8_t *segment = t->a;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        size_t i = 0;
        for (; i + 4 <= groups; i += 4, w += 256) {
            int8x16_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] =
                vld1q_s8(segment + r * t->a_stride + i * 4);
            FOUR_K(0);
            FOUR_K(1);
            FOUR_K(2);
            FOUR_K(3);
        }
        for (; i < groups; i++, w += 64) {
            int8x16_t a[MR];
            LVT_UNROLL for (size_t r = 0; r < mr; r++) a[r] = vreinterpretq_s8_s32(
                vld1q_dup_s32((const int32_t *)(const void *)(segment + r * t->a_stride + i * 4)));
            FOUR_K(0);
        }
    }
#undef FOUR_K
    LVT_UNROLL for (size_t r = 0; r < mr; r++)
        lvt_gemm_finish(g, acc[r], panel, t->row + r, t->panel);
}

LVT_INLINE void tile_quads(const lvt_gemm_args *g, const lvt_tile *t, const size_t quads) {
    switch (t->rows) {
    case 4: tile_rows(g, t, 4, quads); break;
    case 3: tile_rows(g, t, 3, quads); break;
    case 2: tile_rows(g, t, 2, quads); break;
    case 1: tile_rows(g, t, 1, quads); break;
    }
}

static void run_tile(const lvt_gemm_args *g, const lvt_tile *t) {
    if (lvt_gemm_is_half(g, t->panel))
        tile_quads(g, t, 2);
    else
        tile_quads(g, t, 4);
}

void lvt_gemm_s8__neondot(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tile);
}

LVT_TARGET_END
#endif
