// SPDX-License-Identifier: Apache-2.0
//
// 256-entry table lookup by VPERMI2B, 64 bytes at a time. AVX-512 VBMI.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512vl,avx512vbmi")

void lvt_table_s8__avx512vbmi(const int8_t *in, int8_t *out, size_t count, const int8_t *table) {
    __m512i quarter[4];
    for (size_t i = 0; i < 4; i++)
        quarter[i] = _mm512_loadu_si512(table + 64 * i);
    for (size_t i = 0; i < count; i += 64) {
        const __mmask64 present = count - i >= 64 ? ~0ull : (1ull << (count - i)) - 1;
        const __m512i x = _mm512_maskz_loadu_epi8(present, in + i);
        const __m512i negative = _mm512_permutex2var_epi8(quarter[0], x, quarter[1]);
        const __m512i positive = _mm512_permutex2var_epi8(quarter[2], x, quarter[3]);
        _mm512_mask_storeu_epi8(
            out + i, present, _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), positive, negative));
    }
}

LVT_TARGET_END
#endif
