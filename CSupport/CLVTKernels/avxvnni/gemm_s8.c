// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 6 rows x 16 columns, k in groups of 4. AVX-VNNI (VPDPBUSD on YMM).
// Per group of 4 k: 2 loads, 6 broadcasts and 12 VPDPBUSD for 384 products.
#include "internal/gemm.h"
#include "internal/gemm_vnni.h"
#include "internal/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")

enum { MR = 6 };

static void pack_rows(const lvt_gemm_args *g) {
    lvt_pack_rows_biased(g);
}

LVT_INLINE __m256i requantize(const lvt_gemm_args *g,
                              __m256i acc_s32x8,
                              const float *m,
                              const char *residual) {
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc_s32x8), _mm256_loadu_ps(m));
    if (residual) {
        if (g->is_residual_behind_relu)
            v = _mm256_max_ps(v, _mm256_setzero_ps());
        const __m256i q = g->output == LVT_OUTPUT_S16
                              ? _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)residual))
                              : _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)residual));
        const __m256i r = _mm256_sub_epi32(q, _mm256_set1_epi32(g->residual_zero_point));
        v = _mm256_add_ps(
            v, _mm256_mul_ps(_mm256_cvtepi32_ps(r), _mm256_set1_ps(g->residual_multiplier)));
    }
    return _mm256_cvtps_epi32(v);
}

// Sixteen finished sums of one row: the epilogue of lvt_gemm_args.
LVT_INLINE void finish(const lvt_gemm_args *g,
                       __m256i acc0,
                       __m256i acc1,
                       const float *multiplier,
                       const char *residual,
                       char *out) {
    if (g->output == LVT_OUTPUT_S32) {
        _mm256_storeu_si256((__m256i *)out, acc0);
        _mm256_storeu_si256((__m256i *)out + 1, acc1);
        return;
    }
    const __m256i q0 = requantize(g, acc0, multiplier, residual);
    const __m256i q1 =
        requantize(g, acc1, multiplier + 8, residual ? residual + (8 << g->output) : NULL);
    __m256i q_s16x16 =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(q0, q1), _MM_SHUFFLE(3, 1, 2, 0));
    if (g->output == LVT_OUTPUT_S16) {
        _mm256_storeu_si256((__m256i *)out, q_s16x16);
        return;
    }
    q_s16x16 = _mm256_adds_epi16(q_s16x16, _mm256_set1_epi16((int16_t)g->out_zero_point));
    __m128i q_s8x16 =
        _mm_packs_epi16(_mm256_castsi256_si128(q_s16x16), _mm256_extracti128_si256(q_s16x16, 1));
    q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)g->out_lo));
    _mm_storeu_si128((__m128i *)out, q_s8x16);
}

/// `halves` of a panel: 1 or 2 times 8 columns.
LVT_INLINE void
tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr, const size_t halves) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    const __m256i *bias = (const __m256i *)panel->bias;
    const __m256i *sums = (const __m256i *)panel->column_sum;
    const __m256i start0 =
        _mm256_sub_epi32(_mm256_loadu_si256(bias), _mm256_slli_epi32(_mm256_loadu_si256(sums), 7));
    const __m256i start1 = _mm256_sub_epi32(_mm256_loadu_si256(bias + 1),
                                            _mm256_slli_epi32(_mm256_loadu_si256(sums + 1), 7));
    __m256i acc[MR][2];
    LVT_UNROLL for (size_t r = 0; r < mr; r++) {
        acc[r][0] = start0;
        acc[r][1] = start1;
    }
    const __m256i *w = (const __m256i *)panel->weights;
    const char *segment = t->a;
    for (size_t s = 0; s < g->segments; s++, segment += t->segment_stride) {
        for (size_t i = 0; i < t->groups; i++, w += 2) {
            const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
            LVT_UNROLL for (size_t r = 0; r < mr; r++) {
                const char *row = segment + r * t->a_stride + i * 4;
                const __m256i a = _mm256_castps_si256(_mm256_broadcast_ss((const float *)row));
                acc[r][0] = _mm256_dpbusd_avx_epi32(acc[r][0], a, w0);
                if (halves == 2)
                    acc[r][1] = _mm256_dpbusd_avx_epi32(acc[r][1], a, w1);
            }
        }
    }
    LVT_UNROLL for (size_t r = 0; r < mr; r++) finish(g,
                                                      acc[r][0],
                                                      acc[r][1],
                                                      panel->multiplier,
                                                      lvt_gemm_residual(g, t->row + r, t->panel),
                                                      lvt_gemm_out(g, t->row + r, t->panel));
}

LVT_INLINE void run(const lvt_gemm_args *g, lvt_tile tile, const size_t halves) {
    switch (tile.rows) {
        LVT_TILES(6, tile_rows(g, &tile, 6, halves));
        LVT_TILES(5, tile_rows(g, &tile, 5, halves));
        LVT_TILES(4, tile_rows(g, &tile, 4, halves));
        LVT_TILES(3, tile_rows(g, &tile, 3, halves));
        LVT_TILES(2, tile_rows(g, &tile, 2, halves));
        LVT_TILES(1, tile_rows(g, &tile, 1, halves));
    }
}

static void run_tiles(const lvt_gemm_args *g, lvt_tile tile) {
    if (tile.is_half)
        run(g, tile, 1);
    else
        run(g, tile, 2);
}

void lvt_gemm_s8__avxvnni(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, pack_rows, 1, run_tiles);
}

LVT_TARGET_END
#endif
