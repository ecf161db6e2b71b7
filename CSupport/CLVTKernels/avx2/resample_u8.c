// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along a row and across rows. AVX2: VPMADDWD multiplies 16-bit integers, so the
// halves of the weights are summed apart; sums wrap around in between, the result does not.
#include "internal/kernels.h"
#include "internal/picture.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
LVT_TARGET_BEGIN("avx2")

typedef struct {
    __m256i high, low;
} sums;

LVT_INLINE void add(sums *s, __m256i pixels_u16, __m256i high, __m256i low) {
    s->high = _mm256_add_epi32(s->high, _mm256_madd_epi16(pixels_u16, high));
    s->low = _mm256_add_epi32(s->low, _mm256_madd_epi16(pixels_u16, low));
}

LVT_INLINE __m256i joined(sums s) {
    return _mm256_add_epi32(_mm256_slli_epi32(s.high, LVT_WEIGHT_LOW), s.low);
}

LVT_INLINE __m256i rounded(__m256i sum) {
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (LVT_WEIGHT_SHIFT - 1))),
                             LVT_WEIGHT_SHIFT);
}

LVT_INLINE __m256i both(const void *low, const void *high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
                                   _mm_loadu_si128((const __m128i *)high),
                                   1);
}

/// Two pixels of each half as 16-bit integers: red 0 1, green 0 1, blue 0 1, then zeros.
LVT_INLINE __m256i neighbours(__m256i bytes, char pixel) {
    const char none = -128; // stays negative, which gives 0
    const __m128i order = _mm_add_epi8(
        _mm_set1_epi8((char)(3 * pixel)),
        _mm_setr_epi8(
            0, none, 3, none, 1, none, 4, none, 2, none, 5, none, none, none, none, none));
    return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(order));
}

/// Means `i` ... `i + 3` of a row, of `pairs` taps. The lower half of each vector belongs to one
/// mean, the upper to the next.
LVT_INLINE void
four_means(const lvt_resample_row_args *a, size_t row, size_t i, const size_t pairs) {
    const size_t groups = (pairs + 1) / 2;
    const lvt_resample_weights *weights = a->weights + i * groups;
    const uint8_t *in[4];
    LVT_UNROLL for (size_t j = 0; j < 4; j++) in[j] =
        a->in + row * a->in_stride + 3 * (size_t)a->first[i + j];
    sums s[2];
    LVT_UNROLL for (size_t j = 0; j < 2; j++) s[j] =
        (sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t g = 0; g < groups; g++) {
        const bool is_whole = 2 * g + 1 < pairs;
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            const __m256i bytes = both(in[2 * j] + 12 * g, in[2 * j + 1] + 12 * g);
            const __m256i w =
                both(weights[2 * j * groups + g].high, weights[(2 * j + 1) * groups + g].high);
            add(&s[j],
                neighbours(bytes, 0),
                _mm256_shuffle_epi32(w, 0x00),
                _mm256_shuffle_epi32(w, 0xaa));
            if (is_whole)
                add(&s[j],
                    neighbours(bytes, 2),
                    _mm256_shuffle_epi32(w, 0x55),
                    _mm256_shuffle_epi32(w, 0xff));
        }
    }
    // Means 0 2 | 1 3 as 16-bit integers, then as bytes 0 1 2 3.
    const __m256i words = _mm256_packs_epi32(rounded(joined(s[0])), rounded(joined(s[1])));
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const __m128i pixels = _mm_shuffle_epi8(
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)),
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    uint8_t *out = a->out + row * a->out_stride + 3 * i;
    _mm_storel_epi64((__m128i *)out, pixels);
    const int32_t last = _mm_extract_epi32(pixels, 2);
    memcpy(out + 8, &last, sizeof last);
}

/// The first `count` means of each row, at least 4 or none.
LVT_INLINE void means(const lvt_resample_row_args *a, size_t count, const size_t pairs) {
    for (size_t row = 0; row < a->rows; row++) {
        for (size_t i = 0; i + 4 <= count; i += 4)
            four_means(a, row, i, pairs);
        if (count % 4 != 0) // some of them once more
            four_means(a, row, count - 4, pairs);
    }
}

void lvt_resample_row_u8__avx2(const lvt_resample_row_args *a) {
    const size_t pairs = (a->taps + 1) / 2;
    size_t inside = lvt_resample_row_inside(a, 4);
    if (inside < 4)
        inside = 0;
    switch (pairs) { // Constants make straight code of the loop over the taps.
    case 2: means(a, inside, 2); break;
    case 3: means(a, inside, 3); break;
    case 4: means(a, inside, 4); break;
    default: means(a, inside, pairs); break;
    }
    const lvt_resample_row_args rest = lvt_resample_row_rest(a, inside);
    lvt_resample_row_u8__scalar(&rest);
}

LVT_INLINE __m256i weight_pair(const int16_t *weights) {
    int32_t both;
    memcpy(&both, weights, sizeof both);
    return _mm256_set1_epi32(both);
}

/// Bytes of the mean of rows, by the sixteen; returns how many.
LVT_INLINE size_t mean_rows(const lvt_resample_rows_args *a, const size_t pairs) {
    size_t x = 0;
    for (; x + 16 <= a->count; x += 16) {
        sums first = {_mm256_setzero_si256(), _mm256_setzero_si256()}, last = first;
        for (size_t p = 0; p < pairs; p++) {
            const size_t t = 2 * p;
            const lvt_resample_weights *w = a->weights + t / 4;
            const __m256i high = weight_pair(w->high + t % 4), low = weight_pair(w->low + t % 4);
            // The partner of an odd last row has the weight 0.
            const __m128i even = _mm_loadu_si128((const __m128i *)(a->rows[t] + x));
            const __m128i odd =
                _mm_loadu_si128((const __m128i *)(a->rows[t + (t + 1 < a->taps)] + x));
            add(&first, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd)), high, low);
            add(&last, _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(even, odd)), high, low);
        }
        // 0 ... 3, 8 ... 11 | 4 ... 7, 12 ... 15
        const __m256i words = _mm256_packs_epi32(rounded(joined(first)), rounded(joined(last)));
        const __m256i bytes = _mm256_packus_epi16(words, words);
        _mm_storeu_si128(
            (__m128i *)(a->out + x),
            _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
    }
    return x;
}

void lvt_resample_rows_u8__avx2(const lvt_resample_rows_args *a) {
    size_t x;
    switch ((a->taps + 1) / 2) {
    case 2: x = mean_rows(a, 2); break;
    case 3: x = mean_rows(a, 3); break;
    case 4: x = mean_rows(a, 4); break;
    default: x = mean_rows(a, (a->taps + 1) / 2); break;
    }
    lvt_resample_rows_from(a, x);
}

LVT_TARGET_END
#endif
