// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 8 rows x 8 columns, k in groups of 8. NEON matrix multiplication
// (SMMLA): two rows by two columns at once. Rows are read in place. Per 8 k: 8 row loads, 4 weight
// loads and 4 ZIP, 16 SMMLA for 512 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
#include "neon/epilogue.h"

enum { MR = 8, PAIRS = MR / 2 };

/// Eight k of columns 0 1, 2 3, 4 5 and 6 7 of half a panel, of two groups of four.
LVT_INLINE void load_columns(int8x16_t columns[4], const int8_t *w, const bool has_second) {
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(w + 16 * i));
        const int32x4_t second =
            has_second ? vreinterpretq_s32_s8(vld1q_s8(w + 64 + 16 * i)) : vdupq_n_s32(0);
        columns[2 * i] = vreinterpretq_s8_s32(vzip1q_s32(first, second));
        columns[2 * i + 1] = vreinterpretq_s8_s32(vzip2q_s32(first, second));
    }
}

/// Eight k of two rows, or four k and zeros.
LVT_INLINE int8x16_t load_rows(const int8_t *first, const int8_t *second, const bool has_second) {
    if (has_second)
        return vcombine_s8(vld1_s8(first), vld1_s8(second));
    int32_t four[2];
    memcpy(&four[0], first, 4);
    memcpy(&four[1], second, 4);
    const int32x4_t zero = vdupq_n_s32(0);
    return vreinterpretq_s8_s32(vsetq_lane_s32(four[1], vsetq_lane_s32(four[0], zero, 0), 2));
}

/// The sums of columns 8 * half ... of a panel.
LVT_INLINE void multiply(const lvt_gemm_args *g,
                         const lvt_tile *t,
                         const lvt_panel *panel,
                         const size_t half,
                         const size_t mr,
                         int32_t sums[MR][LVT_BLOCK]) {
    const size_t pairs = (mr + 1) / 2;
    int32x4_t acc[PAIRS][4]; // row 0, columns 0 1, then row 1
    LVT_UNROLL for (size_t c = 0; c < 4; c++) {
        const int32x2_t bias = vld1_s32(panel->bias + 8 * half + 2 * c);
        LVT_UNROLL for (size_t p = 0; p < pairs; p++) acc[p][c] = vcombine_s32(bias, bias);
    }
    const int8_t *segment = (const int8_t *)t->a, *w = panel->weights + 32 * half;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        const int8_t *row = segment;
#define EIGHT_K(has_second)                                                                        \
    do {                                                                                           \
        int8x16_t columns[4];                                                                      \
        load_columns(columns, w, has_second);                                                      \
        LVT_UNROLL for (size_t p = 0; p < pairs; p++) {                                            \
            const int8_t *first = row + 2 * p * t->a_stride;                                       \
            const int8_t *second = 2 * p + 1 < mr ? first + t->a_stride : first;                   \
            const int8x16_t rows = load_rows(first, second, has_second);                           \
            LVT_UNROLL for (size_t c = 0; c < 4; c++) acc[p][c] =                                  \
                vmmlaq_s32(acc[p][c], rows, columns[c]);                                           \
        }                                                                                          \
    } while (0)
        size_t i = 0;
        for (; i + 2 <= t->groups; i += 2, w += 128, row += 8)
            EIGHT_K(true);
        if (i < t->groups) {
            EIGHT_K(false);
            w += 64;
        }
#undef EIGHT_K
    }
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        LVT_UNROLL for (size_t i = 0; i < 2; i++) {
            const int64x2_t left = vreinterpretq_s64_s32(acc[r / 2][2 * i]);
            const int64x2_t right = vreinterpretq_s64_s32(acc[r / 2][2 * i + 1]);
            const int64x2_t four = r % 2 ? vzip2q_s64(left, right) : vzip1q_s64(left, right);
            vst1q_s32(sums[r] + 8 * half + 4 * i, vreinterpretq_s32_s64(four));
        }
    }
}

LVT_INLINE void tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    int32_t sums[MR][LVT_BLOCK];
    multiply(g, t, panel, 0, mr, sums);
    if (t->is_half) {
        for (size_t r = 0; r < mr; r++)
            memset(sums[r] + LVT_BLOCK / 2, 0, sizeof sums[r] / 2);
    } else {
        multiply(g, t, panel, 1, mr, sums);
    }
    lvt_gemm_finish__neon(g, panel, sums, t->row, mr, t->panel);
}

static void run_tiles(const lvt_gemm_args *g, lvt_tile tile) {
    switch (tile.rows) {
        LVT_TILES(8, tile_rows(g, &tile, 8));
        LVT_TILES(7, tile_rows(g, &tile, 7));
        LVT_TILES(6, tile_rows(g, &tile, 6));
        LVT_TILES(5, tile_rows(g, &tile, 5));
        LVT_TILES(4, tile_rows(g, &tile, 4));
        LVT_TILES(3, tile_rows(g, &tile, 3));
        LVT_TILES(2, tile_rows(g, &tile, 2));
        LVT_TILES(1, tile_rows(g, &tile, 1));
    }
}

void lvt_gemm_s8__neoni8mm(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, NULL, 0, run_tiles);
}

LVT_TARGET_END
#endif
