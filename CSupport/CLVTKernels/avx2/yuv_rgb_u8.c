// SPDX-License-Identifier: Apache-2.0
//
// Luma and chroma as RGB, 16 pixels at a time. AVX2.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

typedef struct {
    __m128i y;  ///< 16 bytes.
    __m128i uv; ///< u0 v0 ... u7 v7.
} samples;

/// A shuffle that puts the luma of four groups into the lower half and their chroma into the upper
/// one. A group is four bytes with luma at `y` and `y + 2` and chroma at `u` and `v`.
LVT_INLINE __m128i packed_order(ptrdiff_t y, ptrdiff_t u, ptrdiff_t v) {
    char order[16];
    for (int i = 0; i < 4; i++) {
        order[2 * i] = (char)(4 * i + y);
        order[2 * i + 1] = (char)(4 * i + y + 2);
        order[8 + 2 * i] = (char)(4 * i + u);
        order[9 + 2 * i] = (char)(4 * i + v);
    }
    return _mm_loadu_si128((const __m128i *)order);
}

LVT_INLINE samples load_packed(const uint8_t *group, __m128i order) {
    const __m128i a = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)group), order);
    const __m128i b = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(group + 16)), order);
    return (samples){_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)};
}

LVT_INLINE samples load_pairs(const uint8_t *y, const uint8_t *pair, __m128i order) {
    const __m128i uv = _mm_loadu_si128((const __m128i *)pair);
    return (samples){_mm_loadu_si128((const __m128i *)y), _mm_shuffle_epi8(uv, order)};
}

LVT_INLINE samples load_planes(const uint8_t *y, const uint8_t *u, const uint8_t *v) {
    return (samples){_mm_loadu_si128((const __m128i *)y),
                     _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)u),
                                       _mm_loadl_epi64((const __m128i *)v))};
}

LVT_INLINE __m256i pair(int16_t even, int16_t odd) {
    return _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)odd << 16 | (uint16_t)even));
}

/// Luma plus the chroma of two neighbours, as 16-bit integers in the pixels' order.
LVT_INLINE __m256i sum(__m256i luma_low, __m256i luma_high, __m256i chroma) {
    const __m256i low = _mm256_add_epi32(luma_low, _mm256_unpacklo_epi32(chroma, chroma));
    const __m256i high = _mm256_add_epi32(luma_high, _mm256_unpackhi_epi32(chroma, chroma));
    return _mm256_packs_epi32(_mm256_srai_epi32(low, LVT_YUV_SHIFT),
                              _mm256_srai_epi32(high, LVT_YUV_SHIFT));
}

/// Byte 3 i + c of eight pixels' RGB comes from byte i of colour c.
LVT_INLINE void store(uint8_t *out, __m256i red, __m256i green, __m256i blue) {
    const __m256i rg = _mm256_packus_epi16(red, green), b = _mm256_packus_epi16(blue, blue);
    const __m256i rg_first = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4, 12, -1, 5));
    const __m256i b_first = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1));
    const __m256i rg_last = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(13, -1, 6, 14, -1, 7, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m256i b_last = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m256i first =
        _mm256_or_si256(_mm256_shuffle_epi8(rg, rg_first), _mm256_shuffle_epi8(b, b_first));
    const __m256i last =
        _mm256_or_si256(_mm256_shuffle_epi8(rg, rg_last), _mm256_shuffle_epi8(b, b_last));
    _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(first));
    _mm_storel_epi64((__m128i *)(out + 16), _mm256_castsi256_si128(last));
    _mm_storeu_si128((__m128i *)(out + 24), _mm256_extracti128_si256(first, 1));
    _mm_storel_epi64((__m128i *)(out + 40), _mm256_extracti128_si256(last, 1));
}

void lvt_yuv_rgb_u8__avx2(const lvt_yuv_rgb_args *a) {
    const lvt_yuv_matrix m = a->matrix;
    const __m256i luma = pair(m.luma, 1 << (LVT_YUV_SHIFT - 1)), one = _mm256_set1_epi16(1);
    const __m256i luma_offset = _mm256_set1_epi16(m.luma_offset), middle = _mm256_set1_epi16(128);
    const __m256i red = pair(0, m.red_v), green = pair(m.green_u, m.green_v),
                  blue = pair(m.blue_u, 0);
    const bool is_packed = a->y_step == 2, is_paired = a->chroma_step == 2;
    const uint8_t *chroma = a->u < a->v ? a->u : a->v;
    const uint8_t *group = a->y < chroma ? a->y : chroma;
    const __m128i order = is_packed ? packed_order(a->y - group, a->u - group, a->v - group)
                          : a->u <= a->v
                              ? _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
                              : _mm_setr_epi8(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    size_t x = 0;
    for (; x + 16 <= a->width; x += 16) {
        const samples s = is_packed   ? load_packed(group + 2 * x, order)
                          : is_paired ? load_pairs(a->y + x, chroma + x, order)
                                      : load_planes(a->y + x, a->u + x / 2, a->v + x / 2);
        const __m256i y = _mm256_sub_epi16(_mm256_cvtepu8_epi16(s.y), luma_offset);
        const __m256i uv = _mm256_sub_epi16(_mm256_cvtepu8_epi16(s.uv), middle);
        const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(y, one), luma);
        const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(y, one), luma);
        store(a->rgb + 3 * x,
              sum(low, high, _mm256_madd_epi16(uv, red)),
              sum(low, high, _mm256_madd_epi16(uv, green)),
              sum(low, high, _mm256_madd_epi16(uv, blue)));
    }
    const lvt_yuv_rgb_args rest = lvt_yuv_rgb_rest(a, x);
    lvt_yuv_rgb_u8__scalar(&rest);
}

LVT_TARGET_END
#endif
