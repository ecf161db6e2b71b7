// SPDX-License-Identifier: Apache-2.0
//
// The loop nest around a matrix micro-kernel, shared by every ISA but scalar.
//
// The caller hands in few enough rows for the L2 cache. They are repacked for the ISA if it needs
// that (widened to int16, or biased to unsigned). The panels are the outer loop, so a panel stays
// in L1 while every row tile uses it. Rows are divided into tiles of nearly equal height: 49 rows
// in tiles of at most 12 are 10+10+10+10+9, not 12+12+12+12+1.
#pragma once
#include "internal/target_region.h"
#include "include/CLVTKernels.h"

/// A row tile: `rows` rows from `row` of the product, against `panel_count` panels from `panel`.
typedef struct {
    const void *a; ///< First row, in the ISA's packed form or the caller's.
    size_t a_stride;
    size_t row, rows;
    size_t panel, panel_count;
} lvt_tile;

typedef void lvt_pack_rows_fn(const lvt_gemm_args *g);
typedef void lvt_tile_fn(const lvt_gemm_args *g, const lvt_tile *tile);

/// `pack_rows` may be NULL: tiles then read the caller's rows. `packed_stride` is the packed row's
/// length in bytes.
LVT_INLINE void lvt_gemm_run(const lvt_gemm_args *g,
                             size_t tile_rows,
                             size_t tile_panels,
                             lvt_pack_rows_fn *pack_rows,
                             size_t packed_stride,
                             lvt_tile_fn *run_tile) {
    const void *a = g->a;
    size_t a_stride = g->a_stride;
    if (pack_rows) {
        pack_rows(g);
        a = g->scratch;
        a_stride = packed_stride;
    }
    const size_t tiles = (g->rows + tile_rows - 1) / tile_rows;
    for (size_t panel = 0; panel < g->panel_count; panel += tile_panels) {
        const size_t left = g->panel_count - panel;
        lvt_tile t = {.a_stride = a_stride,
                      .panel = panel,
                      .panel_count = left < tile_panels ? left : tile_panels};
        for (size_t i = 0; i < tiles; i++, t.row += t.rows) {
            t.rows = g->rows / tiles + (i < g->rows % tiles);
            t.a = (const char *)a + t.row * a_stride;
            run_tile(g, &t);
        }
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
