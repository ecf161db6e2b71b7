// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution with taps of each position, 16 channels at a time. Shared by AVX2 and
// AVX-VNNI.
//
// A 32-bit lane holds two taps of a group, or two neighbouring pixels of a channel. VPERMD spreads
// the groups of a load of taps over 8 channels, and lvt_add_pairs multiplies and adds both taps.
// The filter's last column stands in pairs of rows: half of such a pair, with zero for the other
// half, meets the pixels of the upper row in their first place and those of the lower row in their
// second. A 7x7 window costs 25 VPERMD and 28 lvt_add_pairs for 8 channels.
//
// The including file defines lvt_add_pairs before.
#pragma once
#include "internal/kernels.h"
#include "internal/target_region.h"
#include <immintrin.h>

/// Where 8 channels find their taps: from group `first` on, lane by lane.
typedef struct {
    size_t first;
    __m256i lanes;
} spread;

LVT_INLINE spread spread_from(const lvt_posconv_args *a, size_t c) {
    size_t group = c / a->group_channels, rest = c % a->group_channels;
    const size_t last = a->groups - 1; // also of the channels that pad the last block
    const size_t first = group < last ? group : last;
    int32_t lanes[8];
    for (size_t i = 0; i < 8; i++) {
        lanes[i] = (int32_t)((group < last ? group : last) - first);
        rest = rest + 1 == a->group_channels ? 0 : rest + 1;
        group += rest == 0;
    }
    return (spread){first, _mm256_loadu_si256((const __m256i *)lanes)};
}

LVT_INLINE __m256i load_taps(const int16_t *taps, const spread *s) {
    return _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)(taps + 2 * s->first)),
                                       s->lanes);
}

LVT_INLINE __m256i add_products(__m256i acc, const int16_t *pixels, __m256i taps) {
    return lvt_add_pairs(acc, _mm256_load_si256((const __m256i *)pixels), taps);
}

/// clamp(zero_point + rne(acc * m + b), lo, hi) of 16 channels.
LVT_INLINE void finish(const lvt_posconv_args *a, const __m256i acc[2], size_t c, int8_t *out) {
    __m256i q[2];
    LVT_UNROLL for (size_t h = 0; h < 2; h++) {
        const __m256 scaled =
            _mm256_mul_ps(_mm256_cvtepi32_ps(acc[h]), _mm256_loadu_ps(a->multiplier + c + 8 * h));
        q[h] = _mm256_cvtps_epi32(_mm256_add_ps(scaled, _mm256_loadu_ps(a->bias + c + 8 * h)));
    }
    __m256i q_s16x16 = _mm256_permute4x64_epi64(_mm256_packs_epi32(q[0], q[1]), 0xD8);
    q_s16x16 = _mm256_adds_epi16(q_s16x16, _mm256_set1_epi16((int16_t)a->out_zero_point));
    __m128i q_s8x16 =
        _mm_packs_epi16(_mm256_castsi256_si128(q_s16x16), _mm256_extracti128_si256(q_s16x16, 1));
    q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)a->out_lo));
    _mm_storeu_si128((__m128i *)out, q_s8x16);
}

/// One pixel of the 16 channels from `c` on; `taps` are the pixel's, and `x` is where it is in a
/// row.
LVT_INLINE void run_block(const lvt_posconv_args *a,
                          const size_t kernel,
                          const spread s[2],
                          const int16_t *taps,
                          size_t x,
                          size_t c,
                          int8_t *out) {
    const size_t last = kernel - 1, pair = 2 * a->groups, pixel = 2 * a->channels;
    const __m256i first_half = _mm256_set1_epi32(0xFFFF);
    __m256i acc[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t ky = 0; ky < kernel; ky++) {
        const int16_t *pixels = a->rows[ky] + x;
        for (size_t kx = 0; kx < last; kx += 2, taps += pair) {
            LVT_UNROLL for (size_t h = 0; h < 2; h++) acc[h] =
                add_products(acc[h], pixels + kx * pixel + 16 * h, load_taps(taps, &s[h]));
        }
    }
    x += last * pixel;
    for (size_t ky = 0; ky < last; ky += 2, taps += pair) {
        const int16_t *upper = a->rows[ky] + x, *lower = a->rows[ky + 1] + x - pixel;
        LVT_UNROLL for (size_t h = 0; h < 2; h++) {
            const __m256i both = load_taps(taps, &s[h]);
            acc[h] = add_products(acc[h], upper + 16 * h, _mm256_and_si256(both, first_half));
            acc[h] = add_products(acc[h], lower + 16 * h, _mm256_andnot_si256(first_half, both));
        }
    }
    LVT_UNROLL for (size_t h = 0; h < 2; h++) acc[h] = add_products(
        acc[h], a->rows[last] + x + 16 * h, _mm256_and_si256(load_taps(taps, &s[h]), first_half));
    finish(a, acc, c, out + c);
}

/// Goes pixel by pixel, so that a pixel's taps stay in L1 for all channels of some blocks.
LVT_INLINE void lvt_posconv_run_kernel(const lvt_posconv_args *a, const size_t kernel) {
    enum { BLOCKS = 8 };
    const size_t stride = lvt_posconv_tap_count(kernel, a->groups);
    for (size_t begin = 0; begin < a->channels; begin += BLOCKS * LVT_BLOCK) {
        const size_t left = (a->channels - begin) / LVT_BLOCK;
        const size_t blocks = left < BLOCKS ? left : BLOCKS;
        spread s[BLOCKS][2];
        for (size_t i = 0; i < 2 * blocks; i++)
            s[i / 2][i % 2] = spread_from(a, begin + 8 * i);
        for (size_t i = 0; i < a->count; i++) {
            for (size_t block = 0; block < blocks; block++) {
                const size_t c = begin + block * LVT_BLOCK;
                run_block(a,
                          kernel,
                          s[block],
                          a->taps + i * stride,
                          2 * (i * a->channels + c),
                          c,
                          a->out + i * a->out_stride);
            }
        }
    }
}

LVT_INLINE void lvt_posconv_run(const lvt_posconv_args *a) {
    if (a->kernel == 7)
        lvt_posconv_run_kernel(a, 7);
    else
        lvt_posconv_run_kernel(a, a->kernel);
}
