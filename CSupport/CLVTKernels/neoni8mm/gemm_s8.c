// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 6 rows x 16 columns, k in groups of 8. NEON matrix multiplication
// (SMMLA): two rows by two columns at once. Rows are read in place. Per 8 k: 6 row loads, 8 weight
// loads and 8 ZIP, 24 SMMLA for 768 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
#include "neon/epilogue.h"

enum { MR = 6, PAIRS = MR / 2 };

/// Eight k of two rows, or four k and zeros.
LVT_INLINE int8x16_t load_rows(const int8_t *first, const int8_t *second, const bool is_whole) {
    if (is_whole)
        return vcombine_s8(vld1_s8(first), vld1_s8(second));
    int32_t four[4] = {0};
    memcpy(&four[0], first, 4);
    memcpy(&four[2], second, 4);
    return vreinterpretq_s8_s32(vld1q_s32(four));
}

/// Adds the products of eight k, or of the last four.
LVT_INLINE void add(int32x4_t acc[PAIRS][8],
                    const int8_t *row,
                    size_t stride,
                    const int8_t *w,
                    const size_t mr,
                    const size_t quads,
                    const bool is_whole) {
    int8x16_t rows[PAIRS];
    LVT_UNROLL for (size_t p = 0; p < (mr + 1) / 2; p++) {
        const int8_t *first = row + 2 * p * stride;
        rows[p] = load_rows(first, 2 * p + 1 < mr ? first + stride : first, is_whole);
    }
    LVT_UNROLL for (size_t q = 0; q < quads; q++) {
        const int32x4_t near = vreinterpretq_s32_s8(vld1q_s8(w + 16 * q));
        const int32x4_t far =
            is_whole ? vreinterpretq_s32_s8(vld1q_s8(w + 64 + 16 * q)) : vdupq_n_s32(0);
        const int8x16_t left = vreinterpretq_s8_s32(vzip1q_s32(near, far));
        const int8x16_t right = vreinterpretq_s8_s32(vzip2q_s32(near, far));
        LVT_UNROLL for (size_t p = 0; p < (mr + 1) / 2; p++) {
            acc[p][2 * q] = vmmlaq_s32(acc[p][2 * q], rows[p], left);
            acc[p][2 * q + 1] = vmmlaq_s32(acc[p][2 * q + 1], rows[p], right);
        }
    }
}

/// `quads` of a panel: 2 or 4 times 4 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t quads) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    int32x4_t acc[PAIRS][8]; // two columns of one row, then of the next
    LVT_UNROLL for (size_t c = 0; c < 8; c++) {
        const int32x2_t bias = vld1_s32(panel->bias + 2 * c);
        LVT_UNROLL for (size_t p = 0; p < (mr + 1) / 2; p++) acc[p][c] = vcombine_s32(bias, bias);
    }
    const int8_t *segment = (const int8_t *)t->a, *w = panel->weights;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        const int8_t *row = segment;
        size_t i = 0;
        for (; i + 2 <= t->groups; i += 2, w += 128, row += 8)
            add(acc, row, t->a_stride, w, mr, quads, true);
        if (i < t->groups) {
            add(acc, row, t->a_stride, w, mr, quads, false);
            w += 64;
        }
    }
    int32_t sums[MR][LVT_BLOCK];
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        int32x4_t row[4];
        LVT_UNROLL for (size_t q = 0; q < 4; q++) {
            const int64x2_t left = vreinterpretq_s64_s32(acc[r / 2][2 * q]);
            const int64x2_t right = vreinterpretq_s64_s32(acc[r / 2][2 * q + 1]);
            row[q] =
                vreinterpretq_s32_s64(r % 2 ? vzip2q_s64(left, right) : vzip1q_s64(left, right));
        }
        lvt_store_sums(sums[r], row);
    }
    lvt_gemm_finish(g, panel, sums, t->row, mr, t->panel);
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

void lvt_gemm_s8__neoni8mm(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tiles);
}

LVT_TARGET_END
#endif
