// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

/// The position before a place, and the share of the next one.
INLINE size_t place(size_t i, size_t extent, size_t grid, int bilinear, float *share) {
    *share = 0;
    if (!bilinear)
        return i * extent / grid;
    const float ratio = (float)extent / (float)grid;
    float at = ratio * ((float)i + 0.5f) - 0.5f;
    at = at < 0 ? 0 : at;
    const size_t first = (size_t)at;
    if (first + 1 >= extent)
        return extent - 1;
    *share = at - (float)first;
    return first;
}

CLONED void lvtf_resample(const float *in,
                          size_t height,
                          size_t width,
                          size_t channels,
                          size_t grid_height,
                          size_t grid_width,
                          int bilinear,
                          float *out,
                          size_t out_stride) {
    for (size_t y = 0; y < grid_height; y++) {
        float v;
        const float *above = in + place(y, height, grid_height, bilinear, &v) * width * channels;
        const float *below = v > 0 ? above + width * channels : above;
        for (size_t x = 0; x < grid_width; x++, out += out_stride) {
            float u;
            const size_t first = place(x, width, grid_width, bilinear, &u) * channels;
            const size_t next = u > 0 ? first + channels : first;
            for (size_t c = 0; c < channels; c++)
                out[c] = (1 - v) * ((1 - u) * above[first + c] + u * above[next + c]) +
                         v * ((1 - u) * below[first + c] + u * below[next + c]);
        }
    }
}
