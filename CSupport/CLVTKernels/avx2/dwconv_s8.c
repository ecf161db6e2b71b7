// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution, int8, 4 pixels x 16 channels. AVX2.
//
// VPMADDWD multiplies two neighbouring taps of 8 channels at once. A prepared position p holds, as
// int16, the pair (pixel p, pixel p + 1) of each channel, so one load serves every window that
// starts at an even distance before it. Channels stand in the order that VPUNPCK gives and VPACK
// undoes: 0-3 8-11 | 4-7 12-15. A 7x7 window costs 28 VPMADDWD for 8 channels instead of 49
// products.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE size_t pair_count(size_t kernel) {
    return (kernel + 1) / 2;
}

static void prepare(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    const ptrdiff_t pad = (ptrdiff_t)(d->kernel - 1) / 2, width = (ptrdiff_t)d->width;
    const ptrdiff_t positions = width + 2 * ((ptrdiff_t)pair_count(d->kernel) - 1);
    const __m256i zero_point = _mm256_set1_epi16((int16_t)d->in_zero_point);
    __m256i *out = row;
    __m256i pixel = zero_point;
    if (pad == 0 && in)
        pixel = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)in));
    for (ptrdiff_t p = 0; p < positions; p++) {
        const ptrdiff_t x = p + 1 - pad;
        __m256i next = zero_point;
        if (in && x >= 0 && x < width)
            next = _mm256_cvtepi8_epi16(
                _mm_loadu_si128((const __m128i *)(in + x * (ptrdiff_t)d->pixel_stride)));
        _mm256_store_si256(out + 2 * p, _mm256_unpacklo_epi16(pixel, next));
        _mm256_store_si256(out + 2 * p + 1, _mm256_unpackhi_epi16(pixel, next));
        pixel = next;
    }
}

// Widens the filter to int16 pairs: [row][pair][half][8 channels][2 taps].
static void widen_filter(const lvt_dwconv_args *d) {
    const __m128i split = // 4 channels x 4 taps -> 4 channels x taps 0-1, then taps 2-3
        _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const size_t count = d->kernel * lvt_dwconv_groups(d->kernel);
    const __m128i *in = (const __m128i *)d->panel->weights;
    __m256i *out = lvt_dwconv_filter_scratch(d);
    for (size_t g = 0; g < count; g++, in += 4, out += 4) {
        for (size_t half = 0; half < 2; half++) {
            const __m128i low = _mm_shuffle_epi8(_mm_loadu_si128(in + half), split);
            const __m128i high = _mm_shuffle_epi8(_mm_loadu_si128(in + half + 2), split);
            const __m128i first = _mm_unpacklo_epi64(low, high); // taps 0-1 of all 8 channels
            const __m128i second = _mm_unpackhi_epi64(low, high);
            _mm256_store_si256(out + half, _mm256_cvtepi8_epi16(first));
            _mm256_store_si256(out + 2 + half, _mm256_cvtepi8_epi16(second));
        }
    }
}

LVT_INLINE __m256i load_halves(const void *low, const void *high) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}

// Adds `pairs` neighbouring tap pairs of one filter row to n pixels.
LVT_INLINE void add_pairs(
    __m256i acc[4][2], const __m256i *row, const __m256i *w, const size_t n, const size_t pairs) {
    LVT_UNROLL for (size_t half = 0; half < 2; half++) {
        __m256i weights[4];
        LVT_UNROLL for (size_t j = 0; j < pairs; j++) weights[j] =
            _mm256_load_si256(w + 2 * j + half);
        LVT_UNROLL for (size_t p = 0; p < n + 2 * (pairs - 1); p++) {
            const __m256i pixels = _mm256_load_si256(row + 2 * p + half);
            LVT_UNROLL for (size_t j = 0; j < pairs; j++) {
                if (p >= 2 * j && p - 2 * j < n)
                    acc[p - 2 * j][half] = _mm256_add_epi32(acc[p - 2 * j][half],
                                                            _mm256_madd_epi16(pixels, weights[j]));
            }
        }
    }
}

LVT_INLINE void tile(const lvt_dwconv_args *d,
                     const void *const *rows,
                     int8_t *out,
                     size_t x,
                     const size_t n,
                     const size_t pairs_at_once) {
    const lvt_panel *panel = d->panel;
    const __m256i *filter = lvt_dwconv_filter_scratch(d);
    const size_t pairs = pair_count(d->kernel), groups = lvt_dwconv_groups(d->kernel);
    __m256i acc[4][2];
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        acc[i][0] = load_halves(panel->bias, panel->bias + 8);
        acc[i][1] = load_halves(panel->bias + 4, panel->bias + 12);
    }
    for (size_t ky = 0; ky < d->kernel; ky++) {
        const __m256i *row = (const __m256i *)rows[ky] + 2 * x, *w = filter + ky * groups * 4;
        for (size_t j = 0; j < pairs; j += pairs_at_once)
            add_pairs(acc, row + 4 * j, w + 2 * j, n, pairs_at_once);
    }
    const __m256 m0 = _mm256_castsi256_ps(load_halves(panel->multiplier, panel->multiplier + 8));
    const __m256 m1 =
        _mm256_castsi256_ps(load_halves(panel->multiplier + 4, panel->multiplier + 12));
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        __m256 v0 = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[i][0]), m0);
        __m256 v1 = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[i][1]), m1);
        const int8_t *residual = lvt_dwconv_residual(d, out + (x + i) * d->pixel_stride);
        if (residual) {
            // Channels 0-3 8-11 and 4-7 12-15.
            const __m128i r = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)residual),
                                                _MM_SHUFFLE(3, 1, 2, 0));
            const __m256i zero_point = _mm256_set1_epi32(d->in_zero_point);
            const __m256 m = _mm256_set1_ps(d->residual_multiplier);
            const __m256i r0 = _mm256_sub_epi32(_mm256_cvtepi8_epi32(r), zero_point);
            const __m256i r1 =
                _mm256_sub_epi32(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(r, r)), zero_point);
            v0 = _mm256_add_ps(v0, _mm256_mul_ps(_mm256_cvtepi32_ps(r0), m));
            v1 = _mm256_add_ps(v1, _mm256_mul_ps(_mm256_cvtepi32_ps(r1), m));
        }
        const __m256i q0 = _mm256_cvtps_epi32(v0), q1 = _mm256_cvtps_epi32(v1);
        __m256i q_s16x16 = _mm256_packs_epi32(q0, q1);
        q_s16x16 = _mm256_adds_epi16(q_s16x16, _mm256_set1_epi16((int16_t)d->out_zero_point));
        __m128i q_s8x16 = _mm_packs_epi16(_mm256_castsi256_si128(q_s16x16),
                                          _mm256_extracti128_si256(q_s16x16, 1));
        q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)d->out_lo));
        _mm_storeu_si128((__m128i *)(out + (x + i) * d->pixel_stride), q_s8x16);
    }
}

static void run_row(const lvt_dwconv_args *d, const void *const *rows, int8_t *out) {
    switch (d->kernel) {
    case 3: lvt_dwconv_tile_row(d, rows, out, 4, 2, tile); break;
    case 5: lvt_dwconv_tile_row(d, rows, out, 4, 3, tile); break;
    case 7: lvt_dwconv_tile_row(d, rows, out, 4, 4, tile); break;
    default: lvt_dwconv_tile_row(d, rows, out, 4, 1, tile); break;
    }
}

void lvt_dwconv_s8__avx2(const lvt_dwconv_args *d) {
    widen_filter(d);
    lvt_dwconv_run(d, prepare, run_row);
}

LVT_TARGET_END
#endif
