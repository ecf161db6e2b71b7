// SPDX-License-Identifier: Apache-2.0
//
// Products of rows with a packed matrix, in registers.
#pragma once
#include "vector.h"

enum { ROWS = 6 };
enum { BLOCK = 42 * ROWS }; // rows whose inputs stay in the L2 cache while panels pass
enum { INPUTS = 512 };      // of a row that a product works on at a time
typedef float f32x16 __attribute__((vector_size(64), aligned(4)));

/// Copies a panel's columns of a row; a call for every few floats would take longer than their
/// sums.
INLINE void copy_columns(float *restrict to, const float *restrict from, size_t columns) {
    if (columns == LANES)
        memcpy(to, from, LANES * sizeof(float));
    else
        for (size_t c = 0; c < columns; c++)
            to[c] = from[c];
}

/// Sums of `rows` rows and a panel's columns over some inputs, which are added to those in `out`
/// unless they are the first; the last ones end in bias and ReLU.
INLINE void tile(const float *const *a,
                 size_t count,
                 const float *panel,
                 int is_first,
                 int is_last,
                 size_t n,
                 size_t columns,
                 const float *bias,
                 int relu,
                 float *out,
                 const size_t rows) {
    f32x16 acc[ROWS];
    for (size_t r = 0; r < rows; r++) {
        acc[r] = (f32x16){0};
        if (!is_first)
            copy_columns((float *)&acc[r], out + r * n, columns);
    }
    for (size_t i = 0; i < count; i++) {
        const f32x16 w = *(const f32x16 *)(panel + i * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++)
            acc[r] += a[r][i] * w;
    }
    for (size_t r = 0; r < rows; r++) {
        float sums[LANES];
        memcpy(sums, &acc[r], sizeof sums);
        for (size_t c = 0; is_last && c < columns; c++) {
            const float v = bias ? sums[c] + bias[c] : sums[c];
            sums[c] = relu && v < 0 ? 0 : v;
        }
        copy_columns(out + r * n, sums, columns);
    }
}

/// The same for all columns, `a` having the inputs from `first` on of each row; `bias` may be NULL.
INLINE void block(const float *const *a,
                  size_t rows,
                  size_t k,
                  size_t first,
                  size_t count,
                  const float *packed,
                  size_t n,
                  const float *bias,
                  int relu,
                  float *out) {
    const int is_first = first == 0, is_last = first + count == k;
    for (size_t j = 0; j < n; j += LANES) {
        const float *panel = packed + j * k + first * LANES;
        const size_t columns = n - j < LANES ? n - j : LANES;
        size_t r = 0;
        for (; r + ROWS <= rows; r += ROWS)
            tile(a + r,
                 count,
                 panel,
                 is_first,
                 is_last,
                 n,
                 columns,
                 bias ? bias + j : NULL,
                 relu,
                 out + r * n + j,
                 ROWS);
        for (; r < rows; r++)
            tile(a + r,
                 count,
                 panel,
                 is_first,
                 is_last,
                 n,
                 columns,
                 bias ? bias + j : NULL,
                 relu,
                 out + r * n + j,
                 1);
    }
}

/// Products of at most BLOCK rows, `out` being [rows][n].
INLINE void product(const float *const *a,
                    size_t rows,
                    size_t k,
                    const float *packed,
                    size_t n,
                    const float *bias,
                    int relu,
                    float *out) {
    const float *inputs[BLOCK];
    for (size_t first = 0; first < k; first += INPUTS) {
        for (size_t r = 0; r < rows; r++)
            inputs[r] = a[r] + first;
        const size_t count = k - first < INPUTS ? k - first : INPUTS;
        block(inputs, rows, k, first, count, packed, n, bias, relu, out);
    }
}
