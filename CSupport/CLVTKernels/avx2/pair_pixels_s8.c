// SPDX-License-Identifier: Apache-2.0
//
// Pairs of neighbouring pixels as int16, 16 channels at a time. AVX2.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE __m256i pixel(const lvt_pair_pixels_args *a, ptrdiff_t x, size_t c) {
    if (!a->in || x < 0 || x >= (ptrdiff_t)a->width)
        return _mm256_setzero_si256();
    const int8_t *in = a->in + x * (ptrdiff_t)a->pixel_stride + c;
    return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)in)),
                            _mm256_set1_epi16((int16_t)a->zero_point));
}

void lvt_pair_pixels_s8__avx2(const lvt_pair_pixels_args *a) {
    const ptrdiff_t pad = (ptrdiff_t)(a->kernel - 1) / 2, end = (ptrdiff_t)a->width + pad;
    for (size_t c = 0; c < a->channels; c += LVT_BLOCK) {
        int16_t *out = a->out + 2 * c;
        __m256i first = pixel(a, -pad, c);
        for (ptrdiff_t x = -pad; x < end; x++, out += 2 * a->channels) {
            const __m256i second = pixel(a, x + 1, c);
            const __m256i low = _mm256_unpacklo_epi16(first, second);
            const __m256i high = _mm256_unpackhi_epi16(first, second);
            _mm256_store_si256((__m256i *)out, _mm256_permute2x128_si256(low, high, 0x20));
            _mm256_store_si256((__m256i *)(out + 16), _mm256_permute2x128_si256(low, high, 0x31));
            first = second;
        }
    }
}

LVT_TARGET_END
#endif
