// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each position. PHMINPOSUW finds the least of eight unsigned values and
// the first place that holds it; v ^ 0x7FFF is unsigned and falls as v rises. AVX2.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

void lvt_greatest_s16__avx2(const lvt_greatest_args *g) {
    const __m128i places = _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7);
    const size_t blocks = (g->channels + 7) / 8;
    // Channels that pad the last block come last among equals.
    const __m128i padding =
        _mm_cmpgt_epi16(places, _mm_set1_epi16((int16_t)(g->channels - (blocks - 1) * 8 - 1)));
    for (size_t i = 0; i < g->width; i++) {
        const int16_t *v = g->in + i * g->pitch;
        uint32_t least = UINT32_MAX, best = 0;
        for (size_t b = 0; b < blocks; b++) {
            __m128i falling = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(v + 8 * b)),
                                            _mm_set1_epi16(0x7FFF));
            if (b + 1 == blocks)
                falling = _mm_or_si128(falling, padding);
            const uint32_t found = (uint32_t)_mm_cvtsi128_si32(_mm_minpos_epu16(falling));
            const uint32_t value = found & 0xFFFF;
            best = value < least ? (found >> 16) + 8 * (uint32_t)b : best;
            least = value < least ? value : least;
        }
        g->out[i] = (uint8_t)best;
    }
}

LVT_TARGET_END
#endif
