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

LVT_INLINE __m512 scale(__m512i acc_s32x16, __m512 multiplier) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(acc_s32x16), multiplier);
}

/// Adds sixteen values of int8 or int16.
LVT_INLINE __m512 add_residual(const lvt_gemm_args *g,
                               __m512 v,
                               const char *residual,
                               const int is_s16) {
    if (g->is_residual_behind_relu)
        v = _mm512_max_ps(v, _mm512_setzero_ps());
    const __m512i q = is_s16 ? _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)residual))
                             : _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)residual));
    const __m512i r = _mm512_sub_epi32(q, _mm512_set1_epi32(g->residual_zero_point));
    return _mm512_add_ps(
        v, _mm512_mul_ps(_mm512_cvtepi32_ps(r), _mm512_set1_ps(g->residual_multiplier)));
}

/// Four times sixteen outputs of int8, one behind the other.
LVT_INLINE __m512i quantize_x64(const lvt_gemm_args *g, const __m512 v[4]) {
    const __m512i zero_point = _mm512_set1_epi16((int16_t)g->out_zero_point);
    __m512i pair[2];
    LVT_UNROLL for (size_t i = 0; i < 2; i++) pair[i] = _mm512_adds_epi16(
        _mm512_packs_epi32(_mm512_cvtps_epi32(v[2 * i]), _mm512_cvtps_epi32(v[2 * i + 1])),
        zero_point);
    // Packing interleaves the sixteens by four.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i q = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(pair[0], pair[1]));
    return _mm512_max_epi8(q, _mm512_set1_epi8((int8_t)g->out_lo));
}

/// Stores the first `count` of four sixteens to rows of the output, by ones or by twos.
LVT_INLINE void store_x64(const lvt_gemm_args *g,
                          const lvt_tile *t,
                          __m512i q,
                          const size_t first,
                          const size_t count,
                          const size_t panels) {
    const __m256i half[2] = {_mm512_castsi512_si256(q), _mm512_extracti64x4_epi64(q, 1)};
    LVT_UNROLL for (size_t i = 0; i < count; i += panels) {
        void *out = lvt_gemm_out(g, t->row + (first + i) / panels, t->panel);
        if (panels == 2)
            _mm256_storeu_si256(out, half[i / 2]);
        else
            _mm_storeu_si128(out,
                             i % 2 ? _mm256_extracti128_si256(half[i / 2], 1)
                                   : _mm256_castsi256_si128(half[i / 2]));
    }
}

/// The epilogue of lvt_gemm_args for `mr` rows and one or two panels, row by row.
LVT_INLINE void finish(const lvt_gemm_args *g,
                       const lvt_tile *t,
                       __m512i acc[MR][2],
                       const __m512 multiplier[2],
                       const size_t mr,
                       const size_t panels) {
    const size_t count = mr * panels;
    if (g->output == LVT_OUTPUT_S8) {
        LVT_UNROLL for (size_t first = 0; first < count; first += 4) {
            const size_t n = count - first < 4 ? count - first : 4;
            __m512 v[4];
            LVT_UNROLL for (size_t i = 0; i < 4; i++) {
                const size_t at = first + (i < n ? i : 0), row = at / panels, panel = at % panels;
                v[i] = scale(acc[row][panel], multiplier[panel]);
            }
            if (g->residual) {
                LVT_UNROLL for (size_t i = 0; i < n; i++) {
                    const size_t row = (first + i) / panels, panel = (first + i) % panels;
                    v[i] = add_residual(
                        g, v[i], lvt_gemm_residual(g, t->row + row, t->panel + panel), 0);
                }
            }
            store_x64(g, t, quantize_x64(g, v), first, n, panels);
        }
        return;
    }
    LVT_UNROLL for (size_t i = 0; i < count; i++) {
        const size_t row = i / panels, panel = i % panels;
        void *out = lvt_gemm_out(g, t->row + row, t->panel + panel);
        if (g->output == LVT_OUTPUT_S32) {
            _mm512_storeu_si512(out, acc[row][panel]);
            continue;
        }
        __m512 v = scale(acc[row][panel], multiplier[panel]);
        if (g->residual)
            v = add_residual(g, v, lvt_gemm_residual(g, t->row + row, t->panel + panel), 1);
        _mm256_storeu_si256(out, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v)));
    }
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
    __m512 multiplier[2];
    LVT_UNROLL for (size_t p = 0; p < panels; p++) multiplier[p] =
        _mm512_loadu_ps(panel[p]->multiplier);
    LVT_UNROLL for (size_t r = 0; r < mr && whole < panels; r++) acc[r][whole] =
        _mm512_inserti64x4(_mm512_setzero_si512(), half[r], 0);
    finish(g, t, acc, multiplier, mr, panels);
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
