// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, int8 x int8, 6 rows x 8 columns, k in groups of 4. AVX2.
//
// Both operands are widened to int16 and multiplied with VPMADDWD, which is exact; VPMADDUBSW is
// not used because it saturates (255 * 127 * 2 > 32767). Rows are widened once per block, weights
// once per row tile. An accumulator holds two partial sums for each of 4 columns; they are added at
// the end. Per group of 4 k: 2 VPMOVSXBW, 6 broadcasts, 12 VPMADDWD, 12 VPADDD for 192 products.
#include "internal/gemm.h"
#include "internal/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
LVT_TARGET_BEGIN("avx2")

enum { MR = 6 };

static void pack_rows(const lvt_gemm_args *g) {
    const lvt_runs runs = lvt_gemm_runs(g, 2);
    int16_t *out = g->scratch;
    for (size_t r = 0; r < runs.count; r++, out += runs.bytes) {
        const int8_t *in = runs.first + r * runs.stride;
        size_t i = 0;
        for (; i + 16 <= runs.bytes; i += 16)
            _mm256_storeu_si256((__m256i *)(out + i),
                                _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(in + i))));
        for (; i < runs.bytes; i += 4) {
            int32_t four;
            memcpy(&four, in + i, 4);
            _mm_storel_epi64((__m128i *)(out + i), _mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
        }
    }
}

// Eight finished sums of one row: the epilogue of lvt_gemm_args.
LVT_INLINE void finish(
    const lvt_gemm_args *g, __m256i acc_s32x8, __m256 multiplier, const char *residual, char *out) {
    if (g->output == LVT_OUTPUT_S32) {
        _mm256_storeu_si256((__m256i *)out, acc_s32x8);
        return;
    }
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc_s32x8), multiplier);
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
    const __m256i q_s32x8 = _mm256_cvtps_epi32(v);
    __m128i q_s16x8 =
        _mm_packs_epi32(_mm256_castsi256_si128(q_s32x8), _mm256_extracti128_si256(q_s32x8, 1));
    if (g->output == LVT_OUTPUT_S16) {
        _mm_storeu_si128((__m128i *)out, q_s16x8);
        return;
    }
    q_s16x8 = _mm_adds_epi16(q_s16x8, _mm_set1_epi16((int16_t)g->out_zero_point));
    __m128i q_s8 = _mm_packs_epi16(q_s16x8, q_s16x8);
    q_s8 = _mm_max_epi8(q_s8, _mm_set1_epi8((int8_t)g->out_lo));
    _mm_storel_epi64((__m128i *)out, q_s8);
}

LVT_INLINE void tile_rows(const lvt_gemm_args *g, const lvt_tile *t, const size_t mr) {
    const lvt_panel *panel = lvt_gemm_panel(g, t->panel);
    const size_t halves = t->is_half ? 1 : 2;
    for (size_t half = 0; half < 2; half++) { // 8 columns each
        const int8_t *w = panel->weights + half * 32;
        __m256i acc[MR][2];
        LVT_UNROLL for (size_t r = 0; r < mr; r++) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
        const char *segment = t->a;
        for (size_t s = 0; s < g->segments && half < halves; s++, segment += t->segment_stride) {
            for (size_t i = 0; i < t->groups; i++, w += 64) {
                const __m256i w0 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
                const __m256i w1 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + 16)));
                LVT_UNROLL for (size_t r = 0; r < mr; r++) {
                    const char *row = segment + r * t->a_stride + i * 8;
                    const __m256i a = _mm256_castpd_si256(_mm256_broadcast_sd((const double *)row));
                    acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(a, w0));
                    acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(a, w1));
                }
            }
        }
        const __m256i bias = _mm256_loadu_si256((const __m256i *)(panel->bias + half * 8));
        const __m256 multiplier = _mm256_loadu_ps(panel->multiplier + half * 8);
        LVT_UNROLL for (size_t r = 0; r < mr; r++) {
            // Adds the pairs: columns 0 1 4 5 in the low half, 2 3 6 7 in the high one.
            const __m256i sums = _mm256_hadd_epi32(acc[r][0], acc[r][1]);
            const __m256i ordered = _mm256_permute4x64_epi64(sums, _MM_SHUFFLE(3, 1, 2, 0));
            const size_t offset = (half * 8) << g->output;
            const char *residual = lvt_gemm_residual(g, t->row + r, t->panel);
            if (residual)
                residual += offset;
            char *out = (char *)lvt_gemm_out(g, t->row + r, t->panel) + offset;
            finish(g, _mm256_add_epi32(ordered, bias), multiplier, residual, out);
        }
    }
}

static void run_tiles(const lvt_gemm_args *g, lvt_tile tile) {
    switch (tile.rows) {
        LVT_TILES(6, tile_rows(g, &tile, 6));
        LVT_TILES(5, tile_rows(g, &tile, 5));
        LVT_TILES(4, tile_rows(g, &tile, 4));
        LVT_TILES(3, tile_rows(g, &tile, 3));
        LVT_TILES(2, tile_rows(g, &tile, 2));
        LVT_TILES(1, tile_rows(g, &tile, 1));
    }
}

void lvt_gemm_s8__avx2(const lvt_gemm_args *g) {
    lvt_gemm_run(g, MR, 1, pack_rows, 2, run_tiles);
}

LVT_TARGET_END
#endif
