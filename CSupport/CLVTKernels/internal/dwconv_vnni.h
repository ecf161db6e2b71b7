// SPDX-License-Identifier: Apache-2.0
//
// Prepared rows for VPDPBUSD: position p holds, for each of 16 channels, the bytes of padded pixels
// p ... p + 3 with 128 added (see gemm_vnni.h). SSE2 only, which every x86-64 CPU has.
#pragma once
#include "internal/dwconv.h"
#include <emmintrin.h>

LVT_INLINE __m128i lvt_dwconv_pixel(const lvt_dwconv_args *d,
                                    const int8_t *in,
                                    ptrdiff_t x,
                                    __m128i outside) {
    if (!in || x < 0 || x >= (ptrdiff_t)d->width)
        return outside;
    return _mm_xor_si128(_mm_loadu_si128((const __m128i *)(in + x * (ptrdiff_t)d->pixel_stride)),
                         _mm_set1_epi8((char)0x80));
}

LVT_INLINE void lvt_dwconv_prepare_quads(const lvt_dwconv_args *d, const int8_t *in, void *row) {
    const ptrdiff_t pad = (ptrdiff_t)(d->kernel - 1) / 2;
    const ptrdiff_t positions = (ptrdiff_t)lvt_dwconv_quads(d->width, d->kernel);
    const __m128i outside = _mm_set1_epi8((char)(d->in_zero_point ^ 0x80));
    __m128i *out = row;
    __m128i pixel[3]; // pixels p, p + 1 and p + 2
    for (ptrdiff_t i = 0; i < 3; i++)
        pixel[i] = lvt_dwconv_pixel(d, in, i - pad, outside);
    __m128i pair_lo[2], pair_hi[2]; // pixels (p, p + 1) and (p + 1, p + 2), bytes interleaved
    for (ptrdiff_t i = 0; i < 2; i++) {
        pair_lo[i] = _mm_unpacklo_epi8(pixel[i], pixel[i + 1]);
        pair_hi[i] = _mm_unpackhi_epi8(pixel[i], pixel[i + 1]);
    }
    __m128i last = pixel[2];
    for (ptrdiff_t p = 0; p < positions; p++, out += 4) {
        const __m128i next = lvt_dwconv_pixel(d, in, p + 3 - pad, outside);
        const __m128i lo = _mm_unpacklo_epi8(last, next), hi = _mm_unpackhi_epi8(last, next);
        _mm_store_si128(out, _mm_unpacklo_epi16(pair_lo[0], lo));
        _mm_store_si128(out + 1, _mm_unpackhi_epi16(pair_lo[0], lo));
        _mm_store_si128(out + 2, _mm_unpacklo_epi16(pair_hi[0], hi));
        _mm_store_si128(out + 3, _mm_unpackhi_epi16(pair_hi[0], hi));
        pair_lo[0] = pair_lo[1];
        pair_hi[0] = pair_hi[1];
        pair_lo[1] = lo;
        pair_hi[1] = hi;
        last = next;
    }
}
