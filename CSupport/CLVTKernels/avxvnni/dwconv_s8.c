// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 8 pixels x 8 channels. AVX-VNNI: one VPDPBUSD multiplies 4
// neighbouring taps of 8 channels, so a row of a 7x7 window costs 2.
#include "internal/kernels.h"
#if defined(__x86_64__)
#include "internal/dwconv_vnni.h"
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    lvt_dwconv_prepare_quads(d, in, row);
}

// Adds `groups` neighbouring groups of 4 taps of one filter row to n pixels.
LVT_INLINE void add_groups(
    __m256i *acc, const __m256i *row, const __m256i *w, const size_t n, const size_t groups) {
    __m256i weights[2];
    LVT_UNROLL for (size_t j = 0; j < groups; j++) weights[j] = _mm256_loadu_si256(w + 2 * j);
    LVT_UNROLL for (size_t p = 0; p < n + 4 * (groups - 1); p++) {
        const __m256i pixels = _mm256_load_si256(row + 2 * p);
        LVT_UNROLL for (size_t j = 0; j < groups; j++) {
            if (p >= 4 * j && p - 4 * j < n)
                acc[p - 4 * j] = _mm256_dpbusd_avx_epi32(acc[p - 4 * j], pixels, weights[j]);
        }
    }
}

LVT_INLINE void tile(const lvt_dwconv_args *d,
                     const void *const *rows,
                     int8_t *out,
                     size_t x,
                     const size_t n,
                     const size_t groups_at_once) {
    const size_t groups = lvt_dwconv_groups(d->kernel);
    for (size_t half = 0; half < 2; half++) {
        const lvt_panel *panel = d->panel;
        const __m256i sums = _mm256_loadu_si256((const __m256i *)panel->column_sum + half);
        const __m256i start = _mm256_sub_epi32(
            _mm256_loadu_si256((const __m256i *)panel->bias + half), _mm256_slli_epi32(sums, 7));
        __m256i acc[8];
        LVT_UNROLL for (size_t i = 0; i < n; i++) acc[i] = start;
        for (size_t ky = 0; ky < d->kernel; ky++) {
            const __m256i *row = (const __m256i *)rows[ky] + 2 * x + half;
            const __m256i *w = (const __m256i *)panel->weights + ky * groups * 2 + half;
            for (size_t j = 0; j < groups; j += groups_at_once)
                add_groups(acc, row + 8 * j, w + 2 * j, n, groups_at_once);
        }
        const __m256 m = _mm256_loadu_ps(panel->multiplier + 8 * half);
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[i]), m);
            const int8_t *residual =
                lvt_dwconv_residual(d, out + (x + i) * d->pixel_stride + 8 * half);
            if (residual) {
                const __m256i r = _mm256_sub_epi32(
                    _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)residual)),
                    _mm256_set1_epi32(d->in_zero_point));
                v = _mm256_add_ps(
                    v,
                    _mm256_mul_ps(_mm256_cvtepi32_ps(r), _mm256_set1_ps(d->residual_multiplier)));
            }
            const __m256i q = _mm256_cvtps_epi32(v);
            __m128i q_s16x8 =
                _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
            q_s16x8 = _mm_adds_epi16(q_s16x8, _mm_set1_epi16((int16_t)d->out_zero_point));
            __m128i q_s8 = _mm_packs_epi16(q_s16x8, q_s16x8);
            q_s8 = _mm_max_epi8(q_s8, _mm_set1_epi8((int8_t)d->out_lo));
            _mm_storel_epi64((__m128i *)(out + (x + i) * d->pixel_stride + 8 * half), q_s8);
        }
    }
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    if (lvt_dwconv_groups(d->kernel) == 2)
        lvt_dwconv_tile_row(d, rows, out, 8, 2, tile);
    else
        lvt_dwconv_tile_row(d, rows, out, 8, 1, tile);
}

void lvt_dwconv_s8__avxvnni(const lvt_dwconv_args *d) {
    lvt_dwconv_run(d, prepare, run_row);
}

LVT_TARGET_END
#endif
