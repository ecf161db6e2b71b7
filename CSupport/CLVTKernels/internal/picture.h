// SPDX-License-Identifier: Apache-2.0
//
// What the kernels for pictures share.
#pragma once
#include "include/CLVTKernels.h"

enum {
    LVT_YUV_SHIFT = 13,
    LVT_WEIGHT_SHIFT = 22,
    LVT_WEIGHT_LOW = 12, ///< Bits of lvt_resample_weights.low.
};

static inline int32_t lvt_resample_weight(const lvt_resample_weights *weights, size_t tap) {
    return weights[tap / 4].whole[tap % 4];
}

static inline uint8_t lvt_clamp_u8(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// What is left of a row after its first `x` pixels, an even number.
static inline lvt_yuv_rgb_args lvt_yuv_rgb_rest(const lvt_yuv_rgb_args *a, size_t x) {
    lvt_yuv_rgb_args rest = *a;
    rest.y += x * a->y_step;
    rest.u += x / 2 * a->chroma_step;
    rest.v += x / 2 * a->chroma_step;
    rest.rgb += 3 * x;
    rest.width -= x;
    return rest;
}

/// What is left of a row after its first `x` pixels.
static inline lvt_packed_rgb_args lvt_packed_rgb_rest(const lvt_packed_rgb_args *a, size_t x) {
    lvt_packed_rgb_args rest = *a;
    rest.in += x * a->step;
    rest.rgb += 3 * x;
    rest.width -= x;
    return rest;
}

/// What is left of a row of a picture after its first `x` pixels.
static inline lvt_pixels_args lvt_pixels_rest(const lvt_pixels_args *p, size_t x) {
    lvt_pixels_args rest = *p;
    rest.in = (const uint8_t *)p->in + x * p->in_stride;
    rest.out += x * p->out_stride;
    rest.count -= x;
    return rest;
}

/// What is left of each row after the first `i` means.
static inline lvt_resample_row_args lvt_resample_row_rest(const lvt_resample_row_args *a,
                                                          size_t i) {
    lvt_resample_row_args rest = *a;
    rest.first += i;
    rest.weights += i * ((a->taps + 3) / 4);
    rest.out += 3 * i;
    rest.count -= i;
    return rest;
}

/// The means at a row's start for which `behind` bytes behind the last group of four taps may be
/// read: a vector may be loaded there.
static inline size_t lvt_resample_row_inside(const lvt_resample_row_args *a, size_t behind) {
    const size_t reach = 12 * ((a->taps + 3) / 4) + behind;
    size_t count = a->count;
    while (count > 0 && 3 * (size_t)a->first[count - 1] + reach > 3 * a->width + a->spare)
        count--;
    return count;
}

/// Bytes from `x` on of the mean of rows.
static inline void lvt_resample_rows_from(const lvt_resample_rows_args *a, size_t x) {
    for (; x < a->count; x++) {
        int32_t sum = 1 << (LVT_WEIGHT_SHIFT - 1);
        for (size_t t = 0; t < a->taps; t++)
            sum += a->rows[t][x] * lvt_resample_weight(a->weights, t);
        a->out[x] = lvt_clamp_u8(sum >> LVT_WEIGHT_SHIFT);
    }
}
