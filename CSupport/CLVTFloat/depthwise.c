// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

CLONED void lvtf_depthwise(const float *in,
                           size_t height,
                           size_t width,
                           size_t channels,
                           size_t kernel,
                           const float *w,
                           const float *bias,
                           int relu,
                           float *out) {
    const ptrdiff_t pad = (ptrdiff_t)kernel / 2;
    for (ptrdiff_t y = 0; y < (ptrdiff_t)height; y++) {
        for (ptrdiff_t x = 0; x < (ptrdiff_t)width; x++) {
            float *restrict acc = out + ((size_t)y * width + (size_t)x) * channels;
            memcpy(acc, bias, channels * sizeof(float));
            for (ptrdiff_t ky = 0; ky < (ptrdiff_t)kernel; ky++) {
                for (ptrdiff_t kx = 0; kx < (ptrdiff_t)kernel; kx++) {
                    const ptrdiff_t sy = y + ky - pad, sx = x + kx - pad;
                    if (sy < 0 || sx < 0 || sy >= (ptrdiff_t)height || sx >= (ptrdiff_t)width)
                        continue;
                    const float *restrict pixel = in + ((size_t)sy * width + (size_t)sx) * channels;
                    const float *restrict tap =
                        w + (size_t)(ky * (ptrdiff_t)kernel + kx) * channels;
                    for (size_t c = 0; c < channels; c++)
                        acc[c] += pixel[c] * tap[c];
                }
            }
            if (relu)
                for (size_t c = 0; c < channels; c++)
                    acc[c] = acc[c] < 0 ? 0 : acc[c];
        }
    }
}

CLONED void lvtf_inhomogeneous_depthwise(const float *in,
                                         size_t height,
                                         size_t width,
                                         size_t channels,
                                         size_t kernel,
                                         size_t groups,
                                         const float *taps,
                                         const float *scale,
                                         const float *bias,
                                         float *out) {
    const ptrdiff_t pad = (ptrdiff_t)kernel / 2;
    const size_t group_channels = channels / groups, area = kernel * kernel;
    for (ptrdiff_t y = 0; y < (ptrdiff_t)height; y++) {
        for (ptrdiff_t x = 0; x < (ptrdiff_t)width; x++, taps += groups * area, out += channels) {
            memset(out, 0, channels * sizeof(float));
            for (size_t tap = 0; tap < area; tap++) {
                const ptrdiff_t sy = y + (ptrdiff_t)(tap / kernel) - pad;
                const ptrdiff_t sx = x + (ptrdiff_t)(tap % kernel) - pad;
                if (sy < 0 || sx < 0 || sy >= (ptrdiff_t)height || sx >= (ptrdiff_t)width)
                    continue;
                const float *pixel = in + ((size_t)sy * width + (size_t)sx) * channels;
                for (size_t g = 0; g < groups; g++) {
                    const float value = taps[g * area + tap];
                    for (size_t c = g * group_channels; c < (g + 1) * group_channels; c++)
                        out[c] += pixel[c] * value;
                }
            }
            for (size_t c = 0; c < channels; c++) {
                const float v = out[c] * scale[c] + bias[c];
                out[c] = v < 0 ? 0 : v;
            }
        }
    }
}

CLONED void lvtf_neighbours(const float *in,
                            size_t height,
                            size_t width,
                            size_t channels,
                            size_t kernel,
                            size_t step,
                            float *out) {
    const size_t half = kernel / 2, row_taps = (kernel + 3) / 4 * 4, taps = kernel * row_taps;
    for (size_t p = 0; p < height * width; p += step, out += channels * taps) {
        memset(out, 0, channels * taps * sizeof(float));
        // A few channels at a time, so that what is written meanwhile stays in the L1 cache.
        for (size_t first = 0; first < channels; first += LANES) {
            const size_t end = channels - first < LANES ? channels : first + LANES;
            for (size_t tap = 0; tap < kernel * kernel; tap++) {
                // What is before the first row or column is far behind the last.
                const size_t y = p / width + tap / kernel - half;
                const size_t x = p % width + tap % kernel - half;
                if (y >= height || x >= width)
                    continue;
                const float *pixel = in + (y * width + x) * channels;
                float *place = out + tap / kernel * row_taps + tap % kernel;
                for (size_t c = first; c < end; c++)
                    place[c * taps] = pixel[c];
            }
        }
    }
}
