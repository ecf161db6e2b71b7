// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 12 rows x 32 columns, k in groups of 4. AVX-512 VNNI (VPDPBUSD on
// ZMM). Per group of 4 k: 2 loads, 12 broadcasts (load ports only) and 24 VPDPBUSD for 1536
// products. 8 columns or fewer at the end are on YMM, which takes half the time where ZMM are two
// halves.
#include "internal/gemm.h"
#include "internal/gemm_vnni.h"
#include "internal/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

enum { MR = 12 };

static void pack_rows(const lvt_gemm_args *g) {
    lvt_pack_rows_biased(g);
}

// Sixteen finished sums of one row: the epilogue of lvt_gemm_args.
LVT_INLINE void finish(const lvt_gemm_args *g,
                       __m512i acc_s32x16,
                       __m512 multiplier,
                       const char *residual,
                       char *out) {
    if (g->output == LVT_OUTPUT_S32) {
        _mm512_storeu_si512(out, acc_s32x16);
        return;
    }
    __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc_s32x16), multiplier);
    if (residual) {
        if (g->is_residual_behind_relu)
            v = _mm512_max_ps(v, _mm512_setzero_ps());
        const __m512i q = g->output == LVT_OUTPUT_S16
                              ? _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)residual))
                              : _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)residual));
        const __m512i r = _mm512_sub_epi32(q, _mm512_set1_epi32(g->residual_zero_point));
        v = _mm512_add_ps(
            v, _mm512_mul_ps(_mm512_cvtepi32_ps(r), _mm512_set1_ps(g->residual_multiplier)));
    }
    const __m512i q_s32x16 = _mm512_cvtps_epi32(v);
    if (g->output == LVT_OUTPUT_S16) {
        _mm256_storeu_si256((__m256i *)out, _mm512_cvtsepi32_epi16(q_s32x16));
        return;
    }
    __m128i q_s8x16 =
        _mm512_cvtsepi32_epi8(_mm512_add_epi32(q_s32x16, _mm512_set1_epi32(g->out_zero_point)));
    q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)g->out_lo));
    _mm_storeu_si128((__m128i *)out, q_s8x16);
}

/// `halves` of panels: 1 to 4 times 8 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t halves) {
    const size_t groups = t->groups, panels = (halves + 1) / 2, whole = halves / 2;
    const lvt_panel *panel[2];
    const char *w[2];
    __m512i acc[MR][2];
    __m256i half[MR]; // of the last panel if halves is odd
    LVT_UNROLL for (size_t p = 0; p < panels; p++) {
        panel[p] = lvt_gemm_panel(g, t->panel + p);
        w[p] = (const char *)panel[p]->weights;
        const __m512i start =
            _mm512_sub_epi32(_mm512_loadu_si512(panel[p]->bias),
                             _mm512_slli_epi32(_mm512_loadu_si512(panel[p]->column_sum), 7));
        LVT_UNROLL for (size_t r = 0; r < mr; r++) {
            if (p < whole)
                acc[r][p] = start;
            else
                half[r] = _mm512_castsi512_si256(start);
        }
    }
    const char *segment = t->a;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        for (size_t i = 0; i < groups; i++) {
            __m512i weights[2];
            __m256i last = _mm256_setzero_si256();
            LVT_UNROLL for (size_t p = 0; p < whole; p++) weights[p] =
                _mm512_loadu_si512(w[p] + i * 64);
            if (whole < panels)
                last = _mm256_loadu_si256((const __m256i *)(w[whole] + i * 64));
            LVT_UNROLL for (size_t r = 0; r < mr; r++) {
                int32_t four;
                memcpy(&four, segment + r * t->a_stride + i * 4, 4);
                const __m512i a = _mm512_set1_epi32(four);
                LVT_UNROLL for (size_t p = 0; p < whole; p++) acc[r][p] =
                    _mm512_dpbusd_epi32(acc[r][p], a, weights[p]);
                if (whole < panels)
                    half[r] = _mm256_dpbusd_epi32(half[r], _mm512_castsi512_si256(a), last);
            }
        }
        LVT_UNROLL for (size_t p = 0; p < panels; p++) w[p] += groups * 64;
    }
    LVT_UNROLL for (size_t p = 0; p < panels; p++) {
        const __m512 multiplier = _mm512_loadu_ps(panel[p]->multiplier);
        LVT_UNROLL for (size_t r = 0; r < mr; r++)
            finish(g,
                   p < whole ? acc[r][p] : _mm512_inserti64x4(_mm512_setzero_si512(), half[r], 0),
                   multiplier,
                   lvt_gemm_residual(g, t->row + r, t->panel + p),
                   lvt_gemm_out(g, t->row + r, t->panel + p));
    }
}

LVT_INLINE void run(const lvt_gemm_args *g, lvt_tile tile, const size_t halves) {
    switch (tile.rows) {
        LVT_TILES(12, tile_rows(g, &tile, 12, halves));
        LVT_TILES(11, tile_rows(g, &tile, 11, halves));
        LVT_TILES(10, tile_rows(g, &tile, 10, halves));
        LVT_TILES(9, tile_rows(g, &tile, 9, halves));
        LVT_TILES(8, tile_rows(g, &tile, 8, halves));
        LVT_TILES(7, tile_rows(g, &tile, 7, halves));
        LVT_TILES(6, tile_rows(g, &tile, 6, halves));
        LVT_TILES(5, tile_rows(g, &tile, 5, halves));
        LVT_TILES(4, tile_rows(g, &tile, 4, halves));
        LVT_TILES(3, tile_rows(g, &tile, 3, halves));
        LVT_TILES(2, tile_rows(g, &tile, 2, halves));
        LVT_TILES(1, tile_rows(g, &tile, 1, halves));
    }
}

static void run_tiles(const lvt_gemm_args *g, lvt_tile tile) {
    switch (2 * tile.panel_count - tile.is_half) {
    case 4: run(g, tile, 4); break;
    case 3: run(g, tile, 3); break;
    case 2: run(g, tile, 2); break;
    case 1: run(g, tile, 1); break;
    }
}

void lvt_gemm_s8__avx512vnni(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 2, pack_rows, 1, run_tiles);
}

LVT_TARGET_END
#endif
