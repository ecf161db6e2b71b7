// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution with taps of each position, 16 channels at a time. AVX-512 VNNI. As in
// avx2/posconv_s16.c, a 32-bit lane holds two taps of a group, or two neighbouring pixels of a
// channel: VPERMD spreads groups over channels, and VPDPWSSD multiplies and adds both taps. A 7x7
// window costs 25 VPERMD and 28 VPDPWSSD for 16 channels.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#include "avx512vnni/products.h"

/// Where 16 channels find their taps: from group `first` on, of those in `mask`, lane by lane.
typedef struct {
    size_t first;
    __mmask16 mask;
    __m512i lanes;
} spread;

LVT_INLINE spread spread_from(const lvt_posconv_args *a, size_t c) {
    size_t group = c / a->group_channels, rest = c % a->group_channels;
    const size_t last = a->groups - 1; // also of the channels that pad the last block
    const size_t first = group < last ? group : last;
    int32_t lanes[16];
    for (size_t i = 0; i < 16; i++) {
        lanes[i] = (int32_t)((group < last ? group : last) - first);
        rest = rest + 1 == a->group_channels ? 0 : rest + 1;
        group += rest == 0;
    }
    return (spread){first, (__mmask16)lvt_lanes((size_t)lanes[15] + 1), _mm512_loadu_si512(lanes)};
}

/// 16 channels have at most 8 groups if a group has `MANY` or more. A whole vector would mostly
/// cross a cache line.
enum { MANY = 3 };

LVT_INLINE __m512i load_taps(const int16_t *taps, const spread *s, const int has_many) {
    taps += 2 * s->first;
    const __m512i groups =
        has_many ? _mm512_inserti64x4(
                       _mm512_setzero_si512(), _mm256_loadu_si256((const __m256i *)taps), 0)
                 : _mm512_mask_loadu_epi32(_mm512_setzero_si512(), s->mask, taps);
    return _mm512_permutexvar_epi32(s->lanes, groups);
}

/// clamp(zero_point + rne(acc * m + b), lo, hi) of 16 channels.
LVT_INLINE void finish(const lvt_posconv_args *a, __m512i acc, size_t c, int8_t *out) {
    const __m512 scaled =
        _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(a->multiplier + c));
    const __m512i q = _mm512_cvtps_epi32(_mm512_add_ps(scaled, _mm512_loadu_ps(a->bias + c)));
    __m128i q_s8x16 =
        _mm512_cvtsepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(a->out_zero_point)));
    q_s8x16 = _mm_max_epi8(q_s8x16, _mm_set1_epi8((int8_t)a->out_lo));
    _mm_storeu_si128((__m128i *)out, q_s8x16);
}

/// One pixel of the 16 channels from `c` on; `taps` are the pixel's, and `x` is where it is in a
/// row.
LVT_INLINE void run_block(const lvt_posconv_args *a,
                          const size_t kernel,
                          const int has_many,
                          const spread *s,
                          const int16_t *taps,
                          size_t x,
                          size_t c,
                          int8_t *out) {
    const size_t last = kernel - 1, pair = 2 * a->groups, pixel = 2 * a->channels;
    const __m512i first_half = _mm512_set1_epi32(0xFFFF);
    __m512i acc[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t ky = 0; ky < kernel; ky++) {
        const int16_t *pixels = a->rows[ky] + x;
        for (size_t kx = 0; kx < last; kx += 2, taps += pair)
            acc[kx / 2 % 2] = lvt_add_pairs(acc[kx / 2 % 2],
                                            load_taps(taps, s, has_many),
                                            _mm512_loadu_si512(pixels + kx * pixel));
    }
    x += last * pixel;
    // Half of a pair, with zero for the other half, meets the upper row's pixels in their first
    // place and the lower row's in their second.
    for (size_t ky = 0; ky < last; ky += 2, taps += pair) {
        const __m512i both = load_taps(taps, s, has_many);
        acc[0] = lvt_add_pairs(
            acc[0], _mm512_and_si512(both, first_half), _mm512_loadu_si512(a->rows[ky] + x));
        acc[1] = lvt_add_pairs(acc[1],
                               _mm512_andnot_si512(first_half, both),
                               _mm512_loadu_si512(a->rows[ky + 1] + x - pixel));
    }
    acc[0] = lvt_add_pairs(acc[0],
                           _mm512_and_si512(load_taps(taps, s, has_many), first_half),
                           _mm512_loadu_si512(a->rows[last] + x));
    finish(a, _mm512_add_epi32(acc[0], acc[1]), c, out + c);
}

/// Goes pixel by pixel, so that a pixel's taps stay in L1 for all channels of some blocks.
LVT_INLINE void run(const lvt_posconv_args *a, const size_t kernel, const int has_many) {
    enum { BLOCKS = 8 };
    const size_t stride = lvt_posconv_tap_count(kernel, a->groups);
    for (size_t begin = 0; begin < a->channels; begin += BLOCKS * LVT_BLOCK) {
        const size_t left = (a->channels - begin) / LVT_BLOCK;
        const size_t blocks = left < BLOCKS ? left : BLOCKS;
        spread s[BLOCKS];
        for (size_t i = 0; i < blocks; i++)
            s[i] = spread_from(a, begin + LVT_BLOCK * i);
        for (size_t i = 0; i < a->count; i++) {
            for (size_t block = 0; block < blocks; block++) {
                const size_t c = begin + block * LVT_BLOCK;
                run_block(a,
                          kernel,
                          has_many,
                          &s[block],
                          a->taps + i * stride,
                          2 * (i * a->channels + c),
                          c,
                          a->out + i * a->out_stride);
            }
        }
    }
}

void lvt_posconv_s16__avx512vnni(const lvt_posconv_args *a) {
    if (a->group_channels < MANY)
        run(a, a->kernel, 0);
    else if (a->kernel == 7)
        run(a, 7, 1);
    else
        run(a, a->kernel, 1);
}

LVT_TARGET_END
#endif
