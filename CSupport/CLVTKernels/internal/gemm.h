// SPDX-License-Identifier: Apache-2.0
//
// The loop nest around a matrix micro-kernel, shared by every ISA.
//
// Rows go in blocks that stay in the L2 cache; a block is repacked for the ISA if it needs that
// (widened to int16, or biased to unsigned). Inside a block the panels are the outer loop, so a
// panel stays in L1 while every row tile uses it. Rows are divided into tiles of nearly equal
// height: a 49-row block in tiles of at most 12 is 10+10+10+10+9, not 12+12+12+12+1.
#pragma once
#include "internal/target_region.h"
#include "include/CLVTKernels.h"

enum { LVT_GEMM_BLOCK_ROWS = 60 };

/// A row tile: `rows` rows from `row` of the product, against `panel_count` panels from `panel`.
typedef struct {
    const void *a; ///< First row, in the ISA's packed form or the caller's.
    size_t a_stride;
    size_t row, rows;
    size_t panel, panel_count;
} lvt_tile;

typedef void lvt_pack_rows_fn(const lvt_gemm_args *g, size_t row, size_t rows);
typedef void lvt_tile_fn(const lvt_gemm_args *g, const lvt_tile *tile);

/// `pack_rows` may be NULL: tiles then read the caller's rows. `packed_stride` is the packed row's
/// length in bytes.
LVT_INLINE void lvt_gemm_run(const lvt_gemm_args *g,
                             size_t tile_rows,
                             size_t tile_panels,
                             lvt_pack_rows_fn *pack_rows,
                             size_t packed_stride,
                             lvt_tile_fn *run_tile) {
    const size_t blocks = (g->rows + LVT_GEMM_BLOCK_ROWS - 1) / LVT_GEMM_BLOCK_ROWS;
    for (size_t row = 0, block = 0; block < blocks; block++) {
        const size_t rows = (g->rows - row + blocks - block - 1) / (blocks - block);
        if (pack_rows)
            pack_rows(g, row, rows);
        const size_t tiles = (rows + tile_rows - 1) / tile_rows;
        const size_t least = rows / tiles, larger = rows % tiles;
        for (size_t panel = 0; panel < g->panel_count; panel += tile_panels) {
            const size_t left = g->panel_count - panel;
            lvt_tile t = {.panel = panel, .panel_count = left < tile_panels ? left : tile_panels};
            for (size_t done = 0, i = 0; i < tiles; i++, done += t.rows) {
                t.rows = least + (i < larger);
                t.row = row + done;
                t.a = pack_rows ? (const char *)g->scratch + done * packed_stride
                                : (const char *)g->a + t.row * g->a_stride;
                t.a_stride = pack_rows ? packed_stride : g->a_stride;
                run_tile(g, &t);
            }
        }
        row += rows;
    }
}

LVT_INLINE const lvt_panel *lvt_gemm_panel(const lvt_gemm_args *g, size_t panel) {
    const size_t bytes = sizeof(lvt_panel) + (g->k + 3) / 4 * 64; // lvt_panel_bytes, without a call
    return (const lvt_panel *)((const char *)g->panels + panel * bytes);
}

/// Where element (row, 16 * panel) of the product goes.
LVT_INLINE void *lvt_gemm_out(const lvt_gemm_args *g, size_t row, size_t panel) {
    return (char *)g->out + row * g->out_stride + ((panel * LVT_BLOCK) << g->output);
}

/// Where what is added to element (row, 16 * panel) lies, or NULL: it has the output's type.
LVT_INLINE const char *lvt_gemm_residual(const lvt_gemm_args *g, size_t row, size_t panel) {
    if (!g->residual)
        return NULL;
    return (const char *)g->residual + row * g->residual_stride +
           ((panel * LVT_BLOCK) << g->output);
}
