// SPDX-License-Identifier: Apache-2.0
//
// 256-entry table lookup by VPSHUFB, 128 bytes at a time. AVX2.
//
// VPSHUFB looks up 16 entries and gives 0 where bit 7 of the index is set. With the index falling
// by 16 at every step (saturating, so that it never wraps to positive), step i contributes to the
// indices that are at least 16 * i; xor-ing the differences of neighbouring sixteenths leaves the
// entry of the last contributing one. Negative and non-negative bytes are two halves of 8 steps
// each.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

LVT_INLINE void look_up(const __m256i steps[16], const int8_t *in, int8_t *out, const size_t n) {
    __m256i x[4], result[4];
    LVT_UNROLL for (size_t v = 0; v < n; v++) {
        x[v] = _mm256_loadu_si256((const __m256i *)in + v);
        result[v] = _mm256_setzero_si256();
    }
    LVT_UNROLL for (size_t half = 0; half < 2; half++) {
        __m256i index[4];
        LVT_UNROLL for (size_t v = 0; v < n; v++) index[v] =
            half ? x[v] : _mm256_xor_si256(x[v], _mm256_set1_epi8((char)0x80));
        LVT_UNROLL for (size_t i = 0; i < 8; i++) {
            const __m256i step = _mm256_load_si256(steps + half * 8 + i);
            LVT_UNROLL for (size_t v = 0; v < n; v++) {
                result[v] = _mm256_xor_si256(result[v], _mm256_shuffle_epi8(step, index[v]));
                index[v] = _mm256_subs_epi8(index[v], _mm256_set1_epi8(16));
            }
        }
    }
    LVT_UNROLL for (size_t v = 0; v < n; v++) _mm256_storeu_si256((__m256i *)out + v, result[v]);
}

void lvt_table_s8__avx2(const int8_t *in, int8_t *out, size_t count, const int8_t *table) {
    __m256i steps[16];
    for (size_t i = 0; i < 16; i++) {
        __m128i entries = _mm_loadu_si128((const __m128i *)table + i);
        if (i % 8)
            entries = _mm_xor_si128(entries, _mm_loadu_si128((const __m128i *)table + i - 1));
        steps[i] = _mm256_broadcastsi128_si256(entries);
    }
    size_t i = 0;
    for (; i + 128 <= count; i += 128)
        look_up(steps, in + i, out + i, 4);
    for (; i + 32 <= count; i += 32)
        look_up(steps, in + i, out + i, 1);
    if (i < count)
        lvt_table_s8__scalar(in + i, out + i, count - i, table);
}

LVT_TARGET_END
#endif
