// SPDX-License-Identifier: Apache-2.0
//
// LayerNorm, 32 channels at a time, and 16 rows for what a row has once. AVX-512 VNNI. Sums are
// exact integers, so their order does not matter; VPDPWSSD makes them, and n * q - S, of the even
// channels and of the odd ones.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#include "avx512vnni/products.h"

enum { ROWS = 16 };

/// Rows i ... i + 15, as far as there are any.
typedef struct {
    const char *in;
    char *out;
    size_t count;
} row_group;

LVT_INLINE row_group group(const lvt_layernorm_args *l, size_t i) {
    const size_t left = i < l->rows ? l->rows - i : 0;
    return (row_group){(const char *)l->in + i * l->in_stride,
                       (char *)l->out + i * l->out_stride,
                       left < ROWS ? left : ROWS};
}

LVT_INLINE __m512i load_s16x32(const void *row, size_t c, const int is_s16, __mmask32 exists) {
    return is_s16 ? _mm512_maskz_loadu_epi16(exists, (const int16_t *)row + c)
                  : _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(exists, (const int8_t *)row + c));
}

/// Sums of the halves of each lane of 128 bits, those of `a` and of `b` in turns.
LVT_INLINE __m512i fold_epi32(__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}

LVT_INLINE __m512i fold_epi64(__m512i a, __m512i b) {
    return _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/// The same for lanes of 128 bits: two of `a`, then two of `b`.
LVT_INLINE __m512i fold_lanes_epi32(__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

LVT_INLINE __m512i fold_lanes_epi64(__m512i a, __m512i b) {
    return _mm512_add_epi64(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

/// Sums of four rows: each lane of 128 bits has a part of each row's.
LVT_INLINE __m512i fold_rows(const __m512i row[4]) {
    return fold_epi32(fold_epi32(row[0], row[2]), fold_epi32(row[1], row[3]));
}

/// Sums and squares of rows i ... i + 3. Squares of int8 are as sums are; those of int16 have 64
/// bits: two lanes have parts of rows i and i + 1, two of the others.
typedef struct {
    __m512i sums, squares;
} partial_sums;

LVT_INLINE partial_sums add_up(const lvt_layernorm_args *l,
                               row_group rows,
                               size_t i,
                               const int is_s16) {
    const __m512i ones = _mm512_set1_epi16(1);
    const char *row[4];
    __m512i sums[4], squares[4];
    LVT_UNROLL for (size_t r = 0; r < 4; r++) {
        const size_t at = i + r < rows.count ? i + r : i;
        row[r] = rows.in + at * l->in_stride;
        sums[r] = squares[r] = _mm512_setzero_si512();
    }
    for (size_t c = 0; c < l->channels; c += 32) {
        const __mmask32 exists = (__mmask32)lvt_lanes(l->channels - c);
        LVT_UNROLL for (size_t r = 0; r < 4; r++) {
            const __m512i q = load_s16x32(row[r], c, is_s16, exists);
            sums[r] = lvt_add_pairs(sums[r], q, ones);
            if (is_s16) {
                // A pair of squares is at most 2^31: unsigned 32 bits hold it.
                const __m512i pairs = _mm512_madd_epi16(q, q);
                const __m512i lower = _mm512_and_si512(pairs, _mm512_set1_epi64(0xffffffff));
                squares[r] = _mm512_add_epi64(squares[r], _mm512_srli_epi64(pairs, 32));
                squares[r] = _mm512_add_epi64(squares[r], lower);
            } else {
                squares[r] = lvt_add_pairs(squares[r], q, q); // 2^14 * 2^14 at most
            }
        }
    }
    return (partial_sums){fold_rows(sums),
                          is_s16 ? fold_lanes_epi64(fold_epi64(squares[0], squares[1]),
                                                    fold_epi64(squares[2], squares[3]))
                                 : fold_rows(squares)};
}

/// What a row's values are centred and scaled by.
typedef struct {
    int32_t minus_sum[ROWS];
    float k[ROWS];
} statistics;

/// n * square - sum * sum of eight rows.
LVT_INLINE __m256 spread(size_t n, __m256i sum_s32x8, __m512i square_s64x8) {
    const __m512i sum = _mm512_cvtepi32_epi64(sum_s32x8);
    return _mm512_cvtepi64_ps(
        _mm512_sub_epi64(_mm512_mullo_epi64(square_s64x8, _mm512_set1_epi64((int64_t)n)),
                         _mm512_mul_epi32(sum, sum)));
}

LVT_INLINE void
measure(const lvt_layernorm_args *l, row_group rows, const int is_s16, statistics *s) {
    const size_t n = l->channels;
    partial_sums of[4] = {0};
    for (size_t i = 0; i < rows.count; i += 4)
        of[i / 4] = add_up(l, rows, i, is_s16);
    const __m512i sums = fold_lanes_epi32(fold_lanes_epi32(of[0].sums, of[1].sums),
                                          fold_lanes_epi32(of[2].sums, of[3].sums));
    __m512i squares[2];
    if (is_s16) {
        squares[0] = fold_lanes_epi64(of[0].squares, of[1].squares);
        squares[1] = fold_lanes_epi64(of[2].squares, of[3].squares);
    } else {
        const __m512i all = fold_lanes_epi32(fold_lanes_epi32(of[0].squares, of[1].squares),
                                             fold_lanes_epi32(of[2].squares, of[3].squares));
        squares[0] = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(all));
        squares[1] = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(all, 1));
    }
    const __m256 low = spread(n, _mm512_castsi512_si256(sums), squares[0]);
    const __m256 high = spread(n, _mm512_extracti64x4_epi64(sums, 1), squares[1]);
    const __m512 spreads = _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    const __m512 variance = _mm512_mul_ps(spreads, _mm512_set1_ps(l->inv_n2));
    const __m512 root = _mm512_sqrt_ps(_mm512_add_ps(variance, _mm512_set1_ps(l->epsilon)));
    const __m512 k =
        _mm512_mul_ps(_mm512_div_ps(_mm512_set1_ps(1), root), _mm512_set1_ps(l->inv_n));
    _mm512_storeu_si512(s->minus_sum, _mm512_sub_epi32(_mm512_setzero_si512(), sums));
    _mm512_storeu_ps(s->k, k);
}

/// Sixteen elements of two vectors, the even ones or the odd ones.
LVT_INLINE __m512 every_second(__m512 a, __m512 b, const int first) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, _mm512_add_epi32(even, _mm512_set1_epi32(first)), b);
}

/// Channels c ... c + 31 of some rows, or half as many.
LVT_INLINE void normalize(const lvt_layernorm_args *l,
                          row_group rows,
                          size_t c,
                          const statistics *s,
                          const int is_whole,
                          const int is_s16,
                          const int is_out_s16) {
    const __mmask32 exists = is_whole ? ~0u : 0xffff;
    const size_t second = is_whole ? c + 16 : c;
    __m512 gamma[2], beta[2];
    LVT_UNROLL for (int i = 0; i < 2; i++) {
        gamma[i] =
            every_second(_mm512_loadu_ps(l->gamma + c), _mm512_loadu_ps(l->gamma + second), i);
        beta[i] = every_second(_mm512_loadu_ps(l->beta + c), _mm512_loadu_ps(l->beta + second), i);
    }
    // The other half of a lane is multiplied by 0.
    const __m512i n[2] = {_mm512_set1_epi32((int32_t)l->channels),
                          _mm512_set1_epi32((int32_t)l->channels << 16)};
    // What is too large would become the least integer, as what is too small may. A row's values
    // are 128 deviations at most, so gammas and betas must be huge for that.
    const __m512 limit = _mm512_set1_ps(65536.0f), huge = _mm512_set1_ps(1 << 22);
    __mmask16 has_huge = 0;
    LVT_UNROLL for (int i = 0; i < 2; i++) has_huge |=
        _mm512_cmp_ps_mask(_mm512_abs_ps(gamma[i]), huge, _CMP_GT_OQ) |
        _mm512_cmp_ps_mask(_mm512_abs_ps(beta[i]), huge, _CMP_GT_OQ);
    const __m512i zero_point = _mm512_set1_epi16((int16_t)l->out_zero_point);
    // Packing puts four odd channels behind four even ones.
    const __m512i in_turns =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    const size_t in_stride = l->in_stride, out_stride = l->out_stride;
    const char *in = rows.in;
    char *out = rows.out + (c << is_out_s16);
    for (size_t r = 0; r < rows.count; r++, in += in_stride, out += out_stride) {
        const __m512i q = load_s16x32(in, c, is_s16, exists);
        const __m512i minus_sum = _mm512_set1_epi32(s->minus_sum[r]);
        const __m512 k = _mm512_set1_ps(s->k[r]);
        __m512i rounded[2];
        LVT_UNROLL for (int i = 0; i < 2; i++) {
            const __m512 centred = _mm512_cvtepi32_ps(lvt_add_pairs(minus_sum, q, n[i]));
            const __m512 scaled = _mm512_mul_ps(_mm512_mul_ps(centred, k), gamma[i]);
            __m512 v = _mm512_add_ps(scaled, beta[i]);
            if (has_huge)
                v = _mm512_min_ps(v, limit);
            rounded[i] = _mm512_cvtps_epi32(v);
        }
        const __m512i v = _mm512_shuffle_epi8(
            _mm512_adds_epi16(_mm512_packs_epi32(rounded[0], rounded[1]), zero_point), in_turns);
        const __m256i bytes = _mm512_cvtsepi16_epi8(v);
        if (is_out_s16 && is_whole)
            _mm512_storeu_si512(out, v);
        else if (is_out_s16)
            _mm256_storeu_si256((__m256i *)out, _mm512_castsi512_si256(v));
        else if (is_whole)
            _mm256_storeu_si256((__m256i *)out, bytes);
        else
            _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(bytes));
    }
}

LVT_INLINE void run(const lvt_layernorm_args *l, const int is_s16, const int is_out_s16) {
    statistics s[2];
    row_group rows = group(l, 0);
    if (rows.count > 0)
        measure(l, rows, is_s16, &s[0]);
    for (size_t i = 0; rows.count > 0; i++) {
        // The next ones are measured before these are normalised: nothing waits for square roots.
        const row_group next = group(l, (i + 1) * ROWS);
        if (next.count > 0)
            measure(l, next, is_s16, &s[(i + 1) % 2]);
        size_t c = 0;
        for (; c + 16 < l->channels; c += 32)
            normalize(l, rows, c, &s[i % 2], 1, is_s16, is_out_s16);
        if (c < l->channels)
            normalize(l, rows, c, &s[i % 2], 0, is_s16, is_out_s16);
        rows = next;
    }
}

void lvt_layernorm__avx512vnni(const lvt_layernorm_args *l) {
    switch (2 * l->in_is_s16 + l->out_is_s16) {
    case 0: run(l, 0, 0); break;
    case 1: run(l, 0, 1); break;
    case 2: run(l, 1, 0); break;
    case 3: run(l, 1, 1); break;
    }
}

LVT_TARGET_END
#endif
