// SPDX-License-Identifier: Apache-2.0
//
// A row of a region's cells, 16 channels at a time. AVX2.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")

/// Sums of 16 channels; both halves interleave within lanes, so that packing restores the order.
typedef struct {
    __m256i low, high;
} sums;

LVT_INLINE sums start(int32_t value) {
    return (sums){_mm256_set1_epi32(value), _mm256_set1_epi32(value)};
}

/// Adds two rows or columns with their weights.
LVT_INLINE sums add(const sums s, const __m256i a, const __m256i b, int16_t weight, int16_t next) {
    const __m256i weights = _mm256_set1_epi32((uint16_t)weight | (int32_t)next << 16);
    return (sums){
        _mm256_add_epi32(s.low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights)),
        _mm256_add_epi32(s.high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights)),
    };
}

LVT_INLINE __m256i widen(const int8_t *in) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)in));
}

static void mix_rows(const lvt_region_row_args *r) {
    for (size_t i = 0; i < r->width * r->pitch; i += 16) {
        const int8_t *in = r->in + i;
        sums s = start(r->zero_point * r->row_rest + (1 << 6));
        size_t row = 0;
        for (; row + 2 <= r->rows; row += 2, in += 2 * r->row_stride)
            s = add(s,
                    widen(in),
                    widen(in + r->row_stride),
                    r->row_weights[row],
                    r->row_weights[row + 1]);
        if (row < r->rows)
            s = add(s, widen(in), _mm256_setzero_si256(), r->row_weights[row], 0);
        _mm256_store_si256(
            (__m256i *)(r->scratch + i),
            _mm256_packs_epi32(_mm256_srai_epi32(s.low, 7), _mm256_srai_epi32(s.high, 7)));
    }
}

LVT_INLINE __m256i load(const int16_t *v) {
    return _mm256_load_si256((const __m256i *)v);
}

void lvt_region_row_s8__avx2(const lvt_region_row_args *r) {
    mix_rows(r);
    for (size_t cell = 0; cell < r->cell_count; cell++) {
        const lvt_region_cell *from = r->cells + cell;
        const int16_t *weights = r->column_weights + from->weights;
        for (size_t c = 0; c < r->pitch; c += 16) {
            const int16_t *v = r->scratch + (size_t)from->first * r->pitch + c;
            sums s = start(r->zero_point * from->rest * (1 << 7) + (1 << 20));
            int32_t x = 0;
            for (; x + 2 <= from->count; x += 2, v += 2 * r->pitch)
                s = add(s, load(v), load(v + r->pitch), weights[x], weights[x + 1]);
            if (x < from->count)
                s = add(s, load(v), _mm256_setzero_si256(), weights[x], 0);
            const __m256i q =
                _mm256_packs_epi32(_mm256_srai_epi32(s.low, 21), _mm256_srai_epi32(s.high, 21));
            _mm_storeu_si128(
                (__m128i *)(r->out + cell * r->pitch + c),
                _mm_packs_epi16(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1)));
        }
    }
}

LVT_TARGET_END
#endif
