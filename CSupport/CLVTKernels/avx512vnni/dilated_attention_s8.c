// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, AVX-512 VNNI, one head at a time. For scores and softmax a lane is a position:
// the keys of a strip of a row are transposed once, so that a neighbour's are some lanes further,
// and VPDPBUSD multiplies four channels with those of the queries, to which 128 is added (see
// gemm_vnni.h). For the values a lane is a channel.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#include "avx512vnni/attention.h"

enum {
    LANES = 64,         ///< Columns of a prepared row.
    STRIP = 48,         ///< Positions of a row that it serves.
    MOST_DISTANCE = 8,  ///< (LANES - STRIP) / 2
    MOST_CHANNELS = 32, ///< Of a head.
    QUADS = MOST_CHANNELS / 4,
};

/// The keys of a head in a strip of a row, and as many columns on both sides as neighbours are
/// apart; zeros outside the map.
typedef struct {
    int32_t quads[QUADS][LANES]; ///< Four channels each.
    int32_t sums[LANES];         ///< -128 times the sum of a key.
} keys_t;

/// A head, and what does not change from row to row.
typedef struct {
    const lvt_dilated_attention_args *a;
    size_t channel, distance;
    size_t x, count; ///< Positions of the strip.
} strip_t;

/// Sixteen positions of a row from column x on, by groups of four channels; zeros outside it.
LVT_INLINE void load_quads(const strip_t *s,
                           const int8_t *row,
                           size_t x,
                           __m512i quads[QUADS],
                           const size_t columns,
                           const int is_inside) {
    const lvt_dilated_attention_args *a = s->a;
    LVT_UNROLL for (size_t c = 0; c < columns; c += 16) {
        const __mmask16 mask = (__mmask16)lvt_lanes(a->head_dim - c);
        __m512i *v = quads + c / 4;
        LVT_UNROLL for (size_t i = 0; i < 4; i++) {
            __m128i parts[4];
            LVT_UNROLL for (size_t j = 0; j < 4; j++) {
                const size_t column = x + 4 * j + i; // wraps around below 0
                const int8_t *in = is_inside || column < a->width ? row + column * a->stride
                                                                  : (const int8_t *)a->scratch;
                parts[j] = _mm_maskz_loadu_epi8(mask, in + c);
            }
            v[i] = _mm512_inserti32x4(_mm512_castsi128_si512(parts[0]), parts[1], 1);
            v[i] = _mm512_inserti32x4(v[i], parts[2], 2);
            v[i] = _mm512_inserti32x4(v[i], parts[3], 3);
        }
        lvt_transpose_quads(v);
    }
}

/// The same of row y; zeros outside the map.
LVT_INLINE void load_positions(const strip_t *s,
                               const int8_t *map,
                               size_t y,
                               size_t x,
                               __m512i quads[QUADS],
                               const size_t columns) {
    const lvt_dilated_attention_args *a = s->a;
    if (y >= a->height) {
        LVT_UNROLL for (size_t i = 0; i < QUADS; i++) quads[i] = _mm512_setzero_si512();
        return;
    }
    const int8_t *row = map + y * a->width * a->stride + s->channel;
    if (x < a->width && x + 16 <= a->width)
        load_quads(s, row, x, quads, columns, 1);
    else
        load_quads(s, row, x, quads, columns, 0);
}

/// Prepares the keys of row y, which may be outside the map.
LVT_INLINE void prepare(const strip_t *s, size_t y, keys_t *keys, const size_t columns) {
    for (size_t lane = 0; lane < s->count + 2 * s->distance; lane += 16) {
        __m512i quads[QUADS], sums = _mm512_setzero_si512();
        load_positions(s, s->a->k, y, s->x - s->distance + lane, quads, columns);
        LVT_UNROLL for (size_t i = 0; 4 * i < columns; i++) {
            sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8((char)0x80), quads[i]);
            _mm512_storeu_si512(keys->quads[i] + lane, quads[i]);
        }
        _mm512_storeu_si512(keys->sums + lane, _mm512_sub_epi32(_mm512_setzero_si512(), sums));
    }
}

/// Weights of sixteen positions, by neighbour, and what their sums of values are multiplied by.
typedef struct {
    int32_t weights[LVT_NEIGHBOURS + 1][16];
    float multipliers[16];
} weights_t;

/// The weights of positions `first` ... `first` + 15 of the strip in row y.
LVT_INLINE void weigh(const strip_t *s,
                      const keys_t *const keys[3],
                      size_t y,
                      size_t first,
                      weights_t *w,
                      const size_t columns) {
    const lvt_dilated_attention_args *a = s->a;
    __m512i queries[QUADS];
    load_positions(s, a->q, y, s->x + first, queries, columns);
    LVT_UNROLL for (size_t i = 0; 4 * i < columns; i++) queries[i] =
        _mm512_xor_si512(queries[i], _mm512_set1_epi8((char)0x80));
    const __m512 multiplier = _mm512_set1_ps(a->score_multiplier);
    __m512i t[LVT_NEIGHBOURS], greatest = _mm512_set1_epi32(LVT_ATTENTION_MASKED);
    LVT_UNROLL for (size_t n = 0; n < LVT_NEIGHBOURS; n++) {
        const keys_t *row = keys[n / 3];
        const size_t lane = first + n % 3 * s->distance;
        __m512i sums = _mm512_loadu_si512(row->sums + lane);
        LVT_UNROLL for (size_t i = 0; 4 * i < columns; i++) sums =
            _mm512_dpbusd_epi32(sums, queries[i], _mm512_loadu_si512(row->quads[i] + lane));
        t[n] = lvt_scores_x16(sums, multiplier);
        greatest = _mm512_max_epi32(greatest, t[n]);
    }
    const __m512i reach = _mm512_set1_epi32(LVT_WEIGHT_REACH);
    const __m512i low = _mm512_set1_epi32(0xFFFF);
    __m512i total = _mm512_setzero_si512();
    LVT_UNROLL for (size_t n = 0; n < LVT_NEIGHBOURS; n += 2) {
        __m512i pair[2];
        LVT_UNROLL for (size_t i = 0; i < 2; i++) pair[i] =
            n + i < LVT_NEIGHBOURS ? _mm512_min_epi32(_mm512_sub_epi32(greatest, t[n + i]), reach)
                                   : reach;
        const __m512i both =
            lvt_weights_x32(_mm512_or_si512(pair[0], _mm512_slli_epi32(pair[1], 16)));
        total = lvt_add_pairs(total, both, _mm512_set1_epi16(1));
        _mm512_storeu_si512(w->weights[n], _mm512_and_si512(both, low));
        _mm512_storeu_si512(w->weights[n + 1], _mm512_srli_epi32(both, 16));
    }
    _mm512_storeu_ps(w->multipliers,
                     _mm512_div_ps(_mm512_set1_ps(a->out_multiplier), _mm512_cvtepi32_ps(total)));
}

/// Adds a neighbour's weighted values to the sums of n channels, all those or at most 8 or 16.
LVT_INLINE __m512i add_neighbour(
    __m512i sums, const int8_t *in, __m512i weight, const size_t n, const size_t columns) {
    // A weight is the lower half of its lane, which alone counts.
    if (columns == 8) {
        const __m128i bytes = n == 8 ? _mm_loadl_epi64((const __m128i *)in)
                                     : _mm_maskz_loadu_epi8((__mmask16)lvt_lanes(n), in);
        return lvt_add_half(sums, _mm256_cvtepi8_epi32(bytes), weight);
    }
    const __m128i bytes = n >= 16 ? _mm_loadu_si128((const __m128i *)in)
                                  : _mm_maskz_loadu_epi8((__mmask16)lvt_lanes(n), in);
    return lvt_add_pairs(sums, _mm512_cvtepi8_epi32(bytes), weight);
}

/// The weighted means of position i of sixteen, whose neighbours' values are at `in`.
LVT_INLINE void add_values(const lvt_dilated_attention_args *a,
                           const int8_t *const in[LVT_NEIGHBOURS],
                           const weights_t *w,
                           size_t i,
                           int8_t *out,
                           const size_t head_dim,
                           const size_t columns) {
    const __m512 multiplier = _mm512_set1_ps(w->multipliers[i]);
    const __m512i zero_points = _mm512_set1_epi32(a->out_zero_point);
    __m512i sums[MOST_CHANNELS / 16];
    LVT_UNROLL for (size_t j = 0; 16 * j < columns; j++) sums[j] = _mm512_setzero_si512();
    LVT_UNROLL for (size_t n = 0; n < LVT_NEIGHBOURS; n++) {
        const __m512i weight = _mm512_set1_epi32(w->weights[n][i]);
        LVT_UNROLL for (size_t j = 0; 16 * j < columns; j++) sums[j] =
            add_neighbour(sums[j], in[n] + 16 * j, weight, head_dim - 16 * j, columns - 16 * j);
    }
    LVT_UNROLL for (size_t j = 0; 16 * j < columns; j++) {
        const size_t left = head_dim - 16 * j;
        const __m128i bytes = _mm512_cvtsepi32_epi8(
            _mm512_add_epi32(lvt_means_x16(sums[j], multiplier), zero_points));
        if (left >= 16)
            _mm_storeu_si128((__m128i *)(out + 16 * j), bytes);
        else
            _mm_mask_storeu_epi8(out + 16 * j, (__mmask16)lvt_lanes(left), bytes);
    }
}

/// A strip of row y.
LVT_INLINE void attend(const strip_t *s,
                       const keys_t *const keys[3],
                       size_t y,
                       const size_t head_dim,
                       const size_t columns) {
    const lvt_dilated_attention_args *a = s->a;
    const size_t d = s->distance;
    const int is_inside = y >= d && y + d < a->height;
    const ptrdiff_t step = (ptrdiff_t)(d * a->stride);
    ptrdiff_t near[LVT_NEIGHBOURS];
    for (ptrdiff_t n = 0; n < LVT_NEIGHBOURS; n++)
        near[n] = ((n / 3 - 1) * (ptrdiff_t)a->width + n % 3 - 1) * step;
    const int8_t *in[LVT_NEIGHBOURS];
    for (size_t first = 0; first < s->count; first += 16) {
        weights_t w;
        weigh(s, keys, y, first, &w, columns);
        for (size_t i = 0; i < 16 && first + i < s->count; i++) {
            const size_t x = s->x + first + i, position = y * a->width + x;
            const int8_t *values = a->v + position * a->stride + s->channel;
            LVT_UNROLL for (size_t n = 0; n < LVT_NEIGHBOURS; n++) in[n] = values + near[n];
            if (!is_inside || x < d || x + d >= a->width)
                for (size_t n = 0; n < LVT_NEIGHBOURS; n++)
                    if (y + n / 3 * d - d >= a->height || x + n % 3 * d - d >= a->width)
                        in[n] = a->scratch;
            add_values(
                a, in, &w, i, a->out + position * a->out_stride + s->channel, head_dim, columns);
        }
    }
}

/// `columns` is head_dim, or more.
LVT_INLINE void
run(const lvt_dilated_attention_args *a, const size_t head_dim, const size_t columns) {
    const size_t group = a->heads / a->dilations;
    keys_t keys[3];
    memset(keys, 0, sizeof keys);
    memset(a->scratch, 0, lvt_dilated_attention_scratch_bytes(head_dim));
    for (size_t head = 0; head < a->heads; head++) {
        strip_t s = {.a = a, .channel = head * head_dim, .distance = head / group + 1};
        const size_t d = s.distance;
        for (s.x = 0; s.x < a->width; s.x += STRIP) {
            s.count = a->width - s.x < STRIP ? a->width - s.x : STRIP;
            // Rows that are `distance` apart share keys.
            for (size_t first = a->y_begin; first < a->y_begin + d && first < a->y_end; first++) {
                prepare(&s, first - d, &keys[0], columns);
                prepare(&s, first, &keys[1], columns);
                size_t next = 2;
                for (size_t y = first; y < a->y_end; y += d) {
                    prepare(&s, y + d, &keys[next], columns);
                    next = (next + 1) % 3;
                    const keys_t *const three[3] = {
                        &keys[next], &keys[(next + 1) % 3], &keys[(next + 2) % 3]};
                    attend(&s, three, y, head_dim, columns);
                }
            }
        }
    }
}

void lvt_dilated_attention_s8__avx512vnni(const lvt_dilated_attention_args *a) {
    if (a->dilations > MOST_DISTANCE || a->head_dim > MOST_CHANNELS)
        lvt_dilated_attention_s8__avx2(a);
    else if (a->head_dim == 24)
        run(a, 24, 24);
    else if (a->head_dim == 32)
        run(a, 32, 32);
    else if (a->head_dim > 16)
        run(a, a->head_dim, 32);
    else
        run(a, a->head_dim, 16);
}

LVT_TARGET_END
#endif
