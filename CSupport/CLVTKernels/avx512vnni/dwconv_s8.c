// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 8 pixels x 16 channels. AVX-512 VNNI: one VPDPBUSD multiplies 4
// neighbouring taps of 16 channels, so a row of a 7x7 window costs 2 and the window 14.
#include "internal/kernels.h"
#if defined(__x86_64__)
#include "internal/dwconv_vnni.h"
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    lvt_dwconv_prepare_quads(d, in, row);
}

// Adds `groups` neighbouring groups of 4 taps of one filter row to n pixels.
LVT_INLINE void add_groups(
    __m512i *acc, const __m512i *row, const __m512i *w, const size_t n, const size_t groups) {
    __m512i weights[2];
    LVT_UNROLL for (size_t j = 0; j < groups; j++) weights[j] = _mm512_loadu_si512(w + j);
    LVT_UNROLL for (size_t p = 0; p < n + 4 * (groups - 1); p++) {
        const __m512i pixels = _mm512_load_si512(row + p);
        LVT_UNROLL for (size_t j = 0; j < groups; j++) {
            if (p >= 4 * j && p - 4 * j < n)
                acc[p - 4 * j] = _mm512_dpbusd_epi32(acc[p - 4 * j], pixels, weights[j]);
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
    const lvt_panel *panel = d->panel;
    const __m512i start =
        _mm512_sub_epi32(_mm512_loadu_si512(panel->bias),
                         _mm512_slli_epi32(_mm512_loadu_si512(panel->column_sum), 7));
    __m512i acc[8];
    LVT_UNROLL for (size_t i = 0; i < n; i++) acc[i] = start;
    for (size_t ky = 0; ky < d->kernel; ky++) {
        const __m512i *row = (const __m512i *)rows[ky] + x;
        const __m512i *w = (const __m512i *)panel->weights + ky * groups;
        for (size_t j = 0; j < groups; j += groups_at_once)
            add_groups(acc, row + 4 * j, w + j, n, groups_at_once);
    }
    const __m512 m = _mm512_loadu_ps(panel->multiplier);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[i]), m);
        const int8_t *residual = lvt_dwconv_residual(d, out + (x + i) * d->pixel_stride);
        if (residual) {
            const __m512i r =
                _mm512_sub_epi32(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)residual)),
                                 _mm512_set1_epi32(d->in_zero_point));
            v = _mm512_add_ps(
                v, _mm512_mul_ps(_mm512_cvtepi32_ps(r), _mm512_set1_ps(d->residual_multiplier)));
        }
        const __m512i q = _mm512_cvtps_epi32(v);
        __m128i q_s8x16 =
            _mm512_cvtsepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(d->out_zero_point)));
        q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)d->out_lo));
        _mm_storeu_si128((__m128i *)(out + (x + i) * d->pixel_stride), q_s8x16);
    }
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    if (lvt_dwconv_groups(d->kernel) == 2)
        lvt_dwconv_tile_row(d, rows, out, 8, 2, tile);
    else
        lvt_dwconv_tile_row(d, rows, out, 8, 1, tile);
}

void lvt_dwconv_s8__avx512vnni(const lvt_dwconv_args *d) {
    lvt_dwconv_run(d, prepare, run_row);
}

LVT_TARGET_END
#endif
