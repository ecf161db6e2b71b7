// SPDX-License-Identifier: Apache-2.0
//
// The loop around a depth-wise row kernel, shared by every ISA.
//
// A ring of K *prepared* rows lives in scratch: each input row of the channel block is widened with
// its padding and put into the ISA's operand order once, then used for K output rows. Because the
// rows a window needs are all in the ring, an output row may overwrite its input row.
#pragma once
#include "internal/target_region.h"
#include "include/CLVTKernels.h"

/// Groups of 4 taps in a row of the filter.
LVT_INLINE size_t lvt_dwconv_groups(size_t kernel) {
    return (kernel + 3) / 4;
}

/// Bytes of a prepared row: 64 for each padded pixel, enough for every ISA's form. (AVX2 needs a
/// position for each; where a position is a group of 4 taps, the last group starts earlier.)
LVT_INLINE size_t lvt_dwconv_row_bytes(size_t width, size_t kernel) {
    return (width + kernel - 1) * 64;
}

/// Positions of a prepared row in which position p stands for padded pixels p ... p + 3: up to the
/// last group of the last pixel.
LVT_INLINE size_t lvt_dwconv_quads(size_t width, size_t kernel) {
    return width + 4 * (lvt_dwconv_groups(kernel) - 1);
}

/// Prepares one row; `in` is NULL for a row outside the map.
typedef void lvt_dwconv_prepare_fn(const lvt_dwconv_args *d, const int8_t *in, void *row);
/// Makes one output row from K prepared rows.
typedef void lvt_dwconv_row_fn(const lvt_dwconv_args *d, const void *const *rows, int8_t *out);

LVT_INLINE const int8_t *lvt_dwconv_input_row(const lvt_dwconv_args *d, ptrdiff_t y) {
    const ptrdiff_t pad = (ptrdiff_t)(d->kernel - 1) / 2;
    if (y < 0 || y >= (ptrdiff_t)d->height)
        return NULL;
    if (y < (ptrdiff_t)d->y_begin && d->above)
        return d->above + (y - ((ptrdiff_t)d->y_begin - pad)) * (ptrdiff_t)d->row_stride;
    if (y >= (ptrdiff_t)d->y_end && d->below)
        return d->below + (y - (ptrdiff_t)d->y_end) * (ptrdiff_t)d->row_stride;
    return d->in + y * (ptrdiff_t)d->row_stride;
}

LVT_INLINE void lvt_dwconv_run(const lvt_dwconv_args *d,
                               lvt_dwconv_prepare_fn *prepare,
                               lvt_dwconv_row_fn *run_row) {
    const size_t kernel = d->kernel, row_bytes = lvt_dwconv_row_bytes(d->width, kernel);
    const ptrdiff_t pad = (ptrdiff_t)(kernel - 1) / 2;
    const void *rows[15];
    char *ring = d->scratch;
    ptrdiff_t next = (ptrdiff_t)d->y_begin - pad; // the next input row to prepare
    size_t slot = 0;                              // and where it goes
    for (size_t y = d->y_begin; y < d->y_end; y++) {
        for (; next <= (ptrdiff_t)y + pad; next++) {
            prepare(d, lvt_dwconv_input_row(d, next), ring + slot * row_bytes);
            slot = slot + 1 == kernel ? 0 : slot + 1;
        }
        for (size_t i = 0; i < kernel; i++) // `slot` is now the oldest row, the window's first
            rows[i] = ring + (slot + i < kernel ? slot + i : slot + i - kernel) * row_bytes;
        run_row(d, rows, d->out + y * d->row_stride);
    }
}

/// The input at the place of an output row or pixel, to be added; NULL for none. Where `out` is
/// `in`, the input stands there until the pixel is written.
LVT_INLINE const int8_t *lvt_dwconv_residual(const lvt_dwconv_args *d, const int8_t *out) {
    return d->residual_multiplier != 0 ? d->in + (out - d->out) : NULL;
}

/// Bytes of scratch behind the ring, for a filter in the ISA's own order.
LVT_INLINE void *lvt_dwconv_filter_scratch(const lvt_dwconv_args *d) {
    return (char *)d->scratch + d->kernel * lvt_dwconv_row_bytes(d->width, d->kernel);
}

/// Makes `n` output pixels from `x` on; `at_once` groups (or pairs) of taps are unrolled together.
typedef void lvt_dwconv_tile_fn(const lvt_dwconv_args *d,
                                const void *const *rows,
                                int8_t *out,
                                size_t x,
                                const size_t n,
                                const size_t at_once);

/// Covers an output row with tiles of `widest` pixels (8, 4 or 2), then with smaller ones.
LVT_INLINE void lvt_dwconv_tile_row(const lvt_dwconv_args *d,
                                    const void *const *rows,
                                    int8_t *out,
                                    const size_t widest,
                                    const size_t at_once,
                                    lvt_dwconv_tile_fn *tile) {
    size_t x = 0;
    if (widest >= 8)
        for (; x + 8 <= d->width; x += 8)
            tile(d, rows, out, x, 8, at_once);
    if (widest >= 4)
        for (; x + 4 <= d->width; x += 4)
            tile(d, rows, out, x, 4, at_once);
    if (widest == 2)
        for (; x + 2 <= d->width; x += 2)
            tile(d, rows, out, x, 2, at_once);
    for (; x < d->width; x++)
        tile(d, rows, out, x, 1, at_once);
}
