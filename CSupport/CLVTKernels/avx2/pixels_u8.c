// SPDX-License-Identifier: Apache-2.0
//
// Pixels of a picture as four bytes each, eight pixels at a time. AVX2.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

void lvt_pixels_u8__avx2(const lvt_pixels_args *p) {
    size_t x = 0;
    if (p->in_stride == 3 && p->out_stride == 4) {
        const __m128i spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
        const __m256i order = _mm256_broadcastsi128_si256(spread);
        const uint8_t *in = p->in;
        // Two loads of 16 bytes reach 28 bytes far.
        for (; x + 10 <= p->count; x += 8, in += 24) {
            const __m128i first = _mm_loadu_si128((const __m128i *)in);
            const __m128i second = _mm_loadu_si128((const __m128i *)(in + 12));
            const __m256i pixels = _mm256_shuffle_epi8(
                _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1), order);
            _mm256_storeu_si256((__m256i *)(p->out + 4 * x),
                                _mm256_xor_si256(pixels, _mm256_set1_epi8(-128)));
        }
    }
    const lvt_pixels_args rest = lvt_pixels_rest(p, x);
    lvt_pixels_u8__scalar(&rest);
}

LVT_TARGET_END
#endif
