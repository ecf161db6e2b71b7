// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels share, scalar ones too: the exponential in integers, where a query's
// biases are, and the loops over positions of those attentions that see neighbours only.
#pragma once
#include "include/CLVTKernels.h"
#include "internal/target_region.h"
#include <math.h>
#include <string.h>

enum {
    LVT_ATTENTION_QUERIES = 4,         ///< Queries that the vector kernels work on at once.
    LVT_ATTENTION_MASKED = -(1 << 30), ///< Below any score by more than LVT_WEIGHT_REACH.
    LVT_WEIGHT_REACH = (16 << 10) - 1, ///< Here and beyond, a weight is 0.
    // 2^-x for x in [0, 1): 1 + x * (C1 + x * (C2 + x * C3)) in units of 2^-15.
    LVT_EXP2_C1 = -22656,
    LVT_EXP2_C2 = 7555,
    LVT_EXP2_C3 = -1283,
};

/// (a * b + 2^14) >> 15: what PMULHRSW and SQRDMULH compute.
static inline int32_t lvt_multiply_q15(int32_t a, int32_t b) {
    return (a * b + 0x4000) >> 15;
}

/// The least s for which weights of 15 - s bits keep the sum over `keys` values within int32:
/// 512 * 32767 * 128 < 2^31.
static inline int32_t lvt_attention_shift(size_t keys) {
    int32_t shift = 0;
    while (keys > (size_t)512 << shift)
        shift++;
    return shift;
}

/// About 2^(15 - shift - distance / 1024), less than 2^(15 - shift); `distance` is not negative.
static inline int32_t lvt_attention_weight(int32_t distance, int32_t shift) {
    const int32_t d = distance < LVT_WEIGHT_REACH ? distance : LVT_WEIGHT_REACH;
    const int32_t x = (d & 1023) << 5;
    int32_t p = LVT_EXP2_C2 + lvt_multiply_q15(LVT_EXP2_C3, x);
    p = LVT_EXP2_C1 + lvt_multiply_q15(p, x);
    p = INT16_MAX + lvt_multiply_q15(p, x);
    return p >> ((d >> 10) + shift);
}

/// Where the biases of a query for the window's first row of keys start; NULL if there are none.
static inline const int32_t *
lvt_attention_bias(const lvt_attention_args *a, size_t head, size_t query) {
    if (!a->bias)
        return NULL;
    const size_t edge = 2 * a->window - 1, last = a->window - 1;
    return a->bias + head * edge * edge + (last - query / a->window) * edge +
           (last - query % a->window);
}

static inline int32_t lvt_dot_s8(const int8_t *a, const int8_t *b, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

enum {
    LVT_NEIGHBOURS = 9, ///< Positions that a position attends to in the dilated attention.
    LVT_MAXIMUM_NEIGHBOURS = 15 * 15, ///< And in the depth-wise one.
};

/// The neighbours' rows of keys, or values, for one head; zeros outside the map. The tenth are
/// zeros, for kernels that take them in pairs.
typedef const int8_t *lvt_neighbour_rows[LVT_NEIGHBOURS + 1];

/// Writes the weights of the neighbours, and zeros behind them, and returns their sum.
typedef int32_t lvt_dilated_weigh_fn(const lvt_dilated_attention_args *a,
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim,
                                     int16_t weights[16]);
/// Writes the weighted means.
typedef void lvt_dilated_add_fn(const lvt_dilated_attention_args *a,
                                const lvt_neighbour_rows v,
                                const int16_t weights[16],
                                float multiplier,
                                const size_t head_dim,
                                int8_t *out);

/// The heads of one group at row y and column x; `near` has the bytes from there to the neighbours.
LVT_INLINE void lvt_dilated_attend(const lvt_dilated_attention_args *a,
                                   size_t group,
                                   size_t y,
                                   size_t x,
                                   const ptrdiff_t near[LVT_NEIGHBOURS],
                                   const size_t head_dim,
                                   lvt_dilated_weigh_fn *weigh,
                                   lvt_dilated_add_fn *add_values) {
    const size_t d = group + 1, heads = a->heads / a->dilations, position = y * a->width + x;
    const int is_inside = y >= d && y + d < a->height && x >= d && x + d < a->width;
    for (size_t head = group * heads; head < (group + 1) * heads; head++) {
        const ptrdiff_t first = (ptrdiff_t)(position * a->stride + head * head_dim);
        lvt_neighbour_rows k, v;
        LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
            k[i] = a->k + first + near[i];
            v[i] = a->v + first + near[i];
        }
        k[LVT_NEIGHBOURS] = v[LVT_NEIGHBOURS] = a->scratch;
        if (!is_inside)
            for (size_t i = 0; i < LVT_NEIGHBOURS; i++) // below 0 wraps around
                if (y + i / 3 * d - d >= a->height || x + i % 3 * d - d >= a->width)
                    k[i] = v[i] = a->scratch;
        int16_t weights[16];
        const int32_t sum = weigh(a, a->q + first, k, head_dim, weights);
        int8_t *out = a->out + position * a->out_stride + head * head_dim;
        add_values(a, v, weights, a->out_multiplier / (float)sum, head_dim, out);
    }
}

/// The loop around one head of one position, shared by every ISA. `head_dim` is that of `a`, or a
/// constant that is equal.
LVT_INLINE void lvt_dilated_run(const lvt_dilated_attention_args *a,
                                const size_t head_dim,
                                lvt_dilated_weigh_fn *weigh,
                                lvt_dilated_add_fn *add_values) {
    memset(a->scratch, 0, lvt_dilated_attention_scratch_bytes(head_dim));
    for (size_t group = 0; group < a->dilations; group++) {
        const ptrdiff_t step = (ptrdiff_t)((group + 1) * a->stride);
        ptrdiff_t near[LVT_NEIGHBOURS];
        for (ptrdiff_t i = 0; i < LVT_NEIGHBOURS; i++)
            near[i] = ((i / 3 - 1) * (ptrdiff_t)a->width + i % 3 - 1) * step;
        for (size_t y = a->y_begin; y < a->y_end; y++)
            for (size_t x = 0; x < a->width; x++)
                lvt_dilated_attend(a, group, y, x, near, head_dim, weigh, add_values);
    }
}

/// The same, with a constant number of channels where it is a usual one.
LVT_INLINE void lvt_dilated_run_usual(const lvt_dilated_attention_args *a,
                                      lvt_dilated_weigh_fn *weigh,
                                      lvt_dilated_add_fn *add_values) {
    if (a->head_dim == 24)
        lvt_dilated_run(a, 24, weigh, add_values);
    else if (a->head_dim == 32)
        lvt_dilated_run(a, 32, weigh, add_values);
    else
        lvt_dilated_run(a, a->head_dim, weigh, add_values);
}

/// Keys and values of a position's neighbours in a depth-wise attention, at channel 0.
typedef struct {
    const int8_t *k[LVT_MAXIMUM_NEIGHBOURS], *v[LVT_MAXIMUM_NEIGHBOURS];
} lvt_depthwise_neighbours;

/// The neighbours of a position; `zeros` outside the map. `n` has those of the position to the left
/// if there is one.
static inline void lvt_find_neighbours(const lvt_depthwise_attention_args *a,
                                       size_t y,
                                       size_t x,
                                       const int8_t *zeros,
                                       lvt_depthwise_neighbours *n) {
    const size_t half = a->kernel / 2;
    const int moves = x > half && x + half < a->width; // all columns were inside and are
    for (size_t i = 0; i < a->kernel; i++) {
        const int8_t **k = n->k + i * a->kernel, **v = n->v + i * a->kernel;
        const size_t row = y + i - half; // wraps around below 0
        if (moves && row < a->height) {
            for (size_t j = 0; j < a->kernel; j++) {
                k[j] += a->stride;
                v[j] += a->stride;
            }
        } else if (!moves) {
            for (size_t j = 0; j < a->kernel; j++) {
                const size_t column = x + j - half;
                const int inside = row < a->height && column < a->width;
                const size_t offset = inside ? (row * a->width + column) * a->stride : 0;
                k[j] = inside ? a->k + offset : zeros;
                v[j] = inside ? a->v + offset : zeros;
            }
        }
    }
}

/// Makes all channels of a position's output.
typedef void lvt_depthwise_attend_fn(const lvt_depthwise_attention_args *a,
                                     const lvt_depthwise_neighbours *near,
                                     const int8_t *query,
                                     int8_t *out);

/// The loop around a position, shared by every ISA.
LVT_INLINE void lvt_depthwise_run(const lvt_depthwise_attention_args *a,
                                  lvt_depthwise_attend_fn *attend) {
    lvt_depthwise_neighbours near;
    memset(a->scratch, 0, a->channels);
    for (size_t y = a->y_begin; y < a->y_end; y++) {
        for (size_t x = 0; x < a->width; x++) {
            const int8_t *query = a->q + (y * a->width + x) * a->stride;
            int8_t *out = a->out + (y * a->width + x) * a->out_stride;
            lvt_find_neighbours(a, y, x, a->scratch, &near);
            attend(a, &near, query, out);
        }
    }
}

/// The k of a key norm's formula: n keys, the sum of their weights and of the weights' squares.
static inline float lvt_key_norm_factor(int64_t n, int64_t sum, int64_t squares, float epsilon) {
    const float inv_n = 1.0f / (float)n;
    const float spread = (float)(n * squares - sum * sum) * (inv_n * inv_n);
    return (1.0f / sqrtf(spread + epsilon)) * inv_n;
}
