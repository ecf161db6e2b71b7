// SPDX-License-Identifier: Apache-2.0
//
// Colours in another order as RGB, a shuffle of 16 bytes at a time. AVX2.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

void lvt_packed_rgb_u8__avx2(const lvt_packed_rgb_args *a) {
    // Whole pixels of 16 bytes on both sides.
    const size_t pixels = a->step == 4 ? 4 : 5;
    const uint8_t from[3] = {a->red, a->green, a->blue};
    char order[16];
    for (size_t i = 0; i < 16; i++)
        order[i] = (char)(i < 3 * pixels ? i / 3 * a->step + from[i % 3] : 0x80);
    const __m128i shuffle = _mm_loadu_si128((const __m128i *)order);
    // Bytes behind the pixels are written over by the next ones, which must be there.
    const size_t least = a->step == 1 ? 16 : 6;
    size_t x = 0;
    for (; x + least <= a->width; x += pixels) {
        const __m128i in = _mm_loadu_si128((const __m128i *)(a->in + x * a->step));
        _mm_storeu_si128((__m128i *)(a->rgb + 3 * x), _mm_shuffle_epi8(in, shuffle));
    }
    const lvt_packed_rgb_args rest = lvt_packed_rgb_rest(a, x);
    lvt_packed_rgb_u8__scalar(&rest);
}

LVT_TARGET_END
#endif
