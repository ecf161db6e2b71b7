// SPDX-License-Identifier: Apache-2.0
//
// The loop nest around a matrix micro-kernel, shared by every ISA but scalar.
//
// The caller hands in few enough rows for the L2 cache. They are repacked for the ISA if it needs
// that (widened to int16, or biased to unsigned); what neighbourhoods share is packed once. The
// panels are the outer loop, so a panel stays in L1 while every row tile uses it. Rows are divided
// into tiles of nearly equal height: 49 rows in tiles of at most 12 are 10+10+10+10+9, not
// 12+12+12+12+1. No tile has rows of two lines.
#pragma once
#include "internal/target_region.h"
#include "include/CLVTKernels.h"
#include <stdbool.h>

/// Row tiles that follow each other in a line: `count` times `rows` rows from `row` of the product,
/// against `panel_count` panels from `panel`.
typedef struct {
    const char *a; ///< First row, in the ISA's packed form or the caller's.
    size_t a_stride, segment_stride;
    size_t row, rows, count;
    size_t panel, panel_count;
    size_t groups; ///< Of 4 k, in a segment.
    bool is_half;  ///< The last panel's last 8 columns come to nothing.
} lvt_tile;

typedef void lvt_pack_rows_fn(const lvt_gemm_args *g);
typedef void lvt_tiles_fn(const lvt_gemm_args *g, lvt_tile tile);

/// In a switch over the rows of `tile`: runs `make` for one tile after the other, with their number
/// of rows a constant.
#define LVT_TILES(n, make)                                                                         \
    case n:                                                                                        \
        for (; tile.count > 0; tile.count--, tile.row += n, tile.a += n * tile.a_stride)           \
            make;                                                                                  \
        break

/// What a product reads, as runs of bytes: its rows, or lines of positions whose neighbourhoods
/// overlap.
typedef struct {
    const int8_t *first;
    size_t count, stride;
    size_t bytes; ///< A multiple of 4.
} lvt_runs;

LVT_INLINE size_t lvt_gemm_lines(const lvt_gemm_args *g) {
    return g->rows == 0 ? 0 : g->rows / g->line_rows;
}

/// Groups of 4 in a segment.
LVT_INLINE size_t lvt_gemm_groups(const lvt_gemm_args *g) {
    return (g->k / g->segments + 3) / 4;
}

LVT_INLINE bool lvt_gemm_is_plain(const lvt_gemm_args *g) {
    return g->segment_stride == 0;
}

/// Whether rows that do not overlap are packed with what lies between them: one run is faster than
/// many short ones. The scratch has two bytes for each of a row's.
LVT_INLINE bool lvt_gemm_is_one_run(const lvt_gemm_args *g, size_t packed_bytes) {
    return lvt_gemm_is_plain(g) && packed_bytes == 1 && g->a_stride % 4 == 0 &&
           g->a_stride >= lvt_gemm_groups(g) * 4 && g->a_stride <= lvt_gemm_groups(g) * 8;
}

/// Packed, a byte of a run takes `packed_bytes`, 1 or 2.
LVT_INLINE lvt_runs lvt_gemm_runs(const lvt_gemm_args *g, size_t packed_bytes) {
    const size_t segment = lvt_gemm_groups(g) * 4;
    if (lvt_gemm_is_one_run(g, packed_bytes)) {
        const size_t bytes = g->rows == 0 ? 0 : (g->rows - 1) * g->a_stride + segment;
        return (lvt_runs){g->a, 1, 0, bytes};
    }
    if (lvt_gemm_is_plain(g))
        return (lvt_runs){g->a, g->rows, g->a_stride, segment};
    const size_t step = g->line_stride / g->segment_stride;
    return (lvt_runs){.first = g->a,
                      .count = (lvt_gemm_lines(g) - 1) * step + g->segments,
                      .stride = g->segment_stride,
                      .bytes = ((g->line_rows - 1) * g->a_stride + segment + 3) / 4 * 4};
}

LVT_INLINE const lvt_panel *lvt_gemm_panel(const lvt_gemm_args *g, size_t panel) {
    const size_t bytes = sizeof(lvt_panel) + (g->k + 3) / 4 * 64; // lvt_panel_bytes, without a call
    return (const lvt_panel *)((const char *)g->panels + panel * bytes);
}

/// Whether the last 8 columns of a product come to nothing, as those that pad do: their multipliers
/// are zero, so their sums need not be known. The sums themselves are an output in one form.
LVT_INLINE bool lvt_gemm_ends_half(const lvt_gemm_args *g) {
    if (g->panel_count == 0 || g->output == LVT_OUTPUT_S32)
        return false;
    const float *multiplier = lvt_gemm_panel(g, g->panel_count - 1)->multiplier;
    bool is_half = true;
    for (size_t i = LVT_BLOCK / 2; i < LVT_BLOCK; i++)
        is_half = is_half && multiplier[i] == 0;
    return is_half;
}

/// `pack_rows` may be NULL: tiles then read the caller's rows. Else it has written the runs to the
/// scratch, one behind the other, with `packed_bytes` for each byte.
LVT_INLINE void lvt_gemm_run(const lvt_gemm_args *g,
                             size_t tile_rows,
                             size_t tile_panels,
                             lvt_pack_rows_fn *pack_rows,
                             size_t packed_bytes,
                             lvt_tiles_fn *run_tiles) {
    const char *a = (const char *)g->a;
    size_t a_stride = g->a_stride, segment_stride = g->segment_stride;
    size_t line_stride = g->line_stride;
    if (pack_rows) {
        pack_rows(g);
        a = g->scratch;
        const size_t run = lvt_gemm_runs(g, packed_bytes).bytes * packed_bytes;
        if (lvt_gemm_is_plain(g)) {
            a_stride = lvt_gemm_is_one_run(g, packed_bytes) ? a_stride : run;
        } else {
            a_stride *= packed_bytes;
            line_stride = line_stride / segment_stride * run;
            segment_stride = run;
        }
    }
    const size_t lines = lvt_gemm_lines(g);
    const size_t tiles = (g->line_rows + tile_rows - 1) / tile_rows;
    const bool ends_half = lvt_gemm_ends_half(g);
    for (size_t panel = 0; panel < g->panel_count; panel += tile_panels) {
        const size_t left = g->panel_count - panel;
        lvt_tile t = {.a_stride = a_stride,
                      .segment_stride = segment_stride,
                      .panel = panel,
                      .panel_count = left < tile_panels ? left : tile_panels,
                      .groups = lvt_gemm_groups(g),
                      .is_half = ends_half && left <= tile_panels};
        for (size_t line = 0; line < lines; line++) {
            t.a = a + line * line_stride;
            // The first tiles have a row more.
            const size_t taller = g->line_rows % tiles;
            const size_t count[2] = {taller, tiles - taller};
            for (size_t i = 0; i < 2; i++) {
                t.rows = g->line_rows / tiles + (i == 0);
                t.count = count[i];
                if (t.count > 0)
                    run_tiles(g, t);
                t.row += t.rows * t.count;
                t.a += t.rows * t.count * a_stride;
            }
        }
    }
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
