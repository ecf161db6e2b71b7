// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

enum { CHANNELS = 1024 }; // whose statistics stay in the L1 cache while rows pass

CLONED void lvtf_channel_statistics(const float *restrict in,
                                    size_t rows,
                                    size_t channels,
                                    float *restrict least,
                                    float *restrict greatest,
                                    double *restrict sum) {
    for (size_t first = 0; first < channels; first += CHANNELS) {
        const size_t end = channels - first < CHANNELS ? channels : first + CHANNELS;
        for (size_t r = 0; r < rows; r++) {
            const float *restrict row = in + r * channels;
            for (size_t c = first; c < end; c++) {
                least[c] = row[c] < least[c] ? row[c] : least[c];
                greatest[c] = row[c] > greatest[c] ? row[c] : greatest[c];
                sum[c] += row[c];
            }
        }
    }
}

CLONED void lvtf_add_channels_f32(const float *restrict in,
                                  size_t positions,
                                  size_t channels,
                                  double *restrict sums) {
    for (size_t p = 0; p < positions; p++, in += channels)
        for (size_t c = 0; c < channels; c++)
            sums[c] += in[c];
}

CLONED void lvtf_add_channels_s8(
    const void *in, size_t positions, size_t channels, size_t pitch, double *restrict sums) {
    for (size_t p = 0; p < positions; p++) {
        const int8_t *restrict values = (const int8_t *)in + p * pitch;
        for (size_t c = 0; c < channels; c++)
            sums[c] += values[c];
    }
}

CLONED void lvtf_add_channels_s16(
    const void *in, size_t positions, size_t channels, size_t pitch, double *restrict sums) {
    for (size_t p = 0; p < positions; p++) {
        const int16_t *restrict values = (const int16_t *)in + p * (pitch / sizeof(int16_t));
        for (size_t c = 0; c < channels; c++)
            sums[c] += values[c];
    }
}

CLONED void
lvtf_histogram(const float *in, size_t count, float low, float high, size_t bins, uint64_t *out) {
    enum { TOGETHER = 256 };
    const float scale = (float)bins / (high - low), last = (float)(bins - 1);
    for (size_t start = 0; start < count; start += TOGETHER) {
        const size_t end = count - start < TOGETHER ? count : start + TOGETHER;
        int32_t places[TOGETHER];
        for (size_t i = start; i < end; i++) {
            const float position = (in[i] - low) * scale;
            // A range of no width makes NaN, which counts in bin 0.
            const float clamped = position > 0 ? position > last ? last : position : 0;
            places[i - start] = (int32_t)clamped;
        }
        for (size_t i = start; i < end; i++)
            out[places[i - start]]++;
    }
}

CLONED double lvtf_rounding_noise(const float *values,
                                  const float *images,
                                  const double *counts,
                                  size_t bins,
                                  float scale,
                                  float zero_point,
                                  const float *results) {
    enum { TOGETHER = 256 };
    double noise = 0;
    for (size_t start = 0; start < bins; start += TOGETHER) {
        const size_t end = bins - start < TOGETHER ? bins : start + TOGETHER;
        double terms[TOGETHER];
        for (size_t i = start; i < end; i++) {
            const float q = rintf(values[i] / scale) + zero_point;
            const float above = q > -128 ? q : -128, clamped = above < 127 ? above : 127;
            const double error = (double)(results[(int32_t)clamped + 128] - images[i]);
            terms[i - start] = error * error * counts[i];
        }
        for (size_t i = start; i < end; i++)
            noise += terms[i - start];
    }
    return noise;
}

enum { GROUP = 4 };  // rows whose products are added before they meet a sum
enum { INPUTS = 4 }; // whose sums are in registers
enum { ACROSS = 2 * LANES };
enum { CENTRED = 8192 }; // inputs of a block that are centred at a time

/// Copies some sums of a row.
INLINE void copy_sums(float *restrict to, const float *restrict from, size_t count) {
    if (count == ACROSS)
        memcpy(to, from, ACROSS * sizeof(float));
    else
        for (size_t i = 0; i < count; i++)
            to[i] = from[i];
}

/// Adds products of `count` inputs; `x` has rows of `pitch`, whole groups of them.
INLINE void
add_block(const float *x, size_t rows, size_t pitch, size_t count, size_t block, float *sums) {
    typedef float f32x16 __attribute__((vector_size(64), aligned(4)));
    for (size_t i = 0; i < count; i += INPUTS) {
        const size_t inputs = count - i < INPUTS ? count - i : INPUTS;
        for (size_t j = i / ACROSS * ACROSS; j < count; j += ACROSS) {
            const size_t width = count - j < ACROSS ? count - j : ACROSS;
            f32x16 acc[INPUTS][2] = {0};
            for (size_t t = 0; t < inputs; t++)
                copy_sums((float *)acc[t], sums + (i + t) * block + j, width);
            for (size_t r = 0; r < rows; r += GROUP) {
                const float *x0 = x + r * pitch, *x1 = x0 + pitch, *x2 = x1 + pitch,
                            *x3 = x2 + pitch;
#pragma clang loop unroll(full)
                for (size_t t = 0; t < INPUTS; t++)
#pragma clang loop unroll(full)
                    for (size_t v = 0; v < 2; v++) {
                        const size_t at = j + v * LANES;
                        acc[t][v] += x0[i + t] * *(const f32x16 *)(x0 + at) +
                                     x1[i + t] * *(const f32x16 *)(x1 + at) +
                                     x2[i + t] * *(const f32x16 *)(x2 + at) +
                                     x3[i + t] * *(const f32x16 *)(x3 + at);
                    }
            }
            for (size_t t = 0; t < inputs; t++)
                copy_sums(sums + (i + t) * block + j, (const float *)acc[t], width);
        }
    }
}

CLONED void lvtf_add_products(const float *in,
                              size_t rows,
                              size_t pitch,
                              size_t k,
                              size_t block,
                              const double *centres,
                              const double *factors,
                              float *sums) {
    for (size_t first = 0; first < k; first += block) {
        const size_t count = k - first < block ? k - first : block;
        const size_t padded = (count + ACROSS - 1) / ACROSS * ACROSS;
        const size_t most = CENTRED / padded / GROUP * GROUP;
        for (size_t start = 0; start < rows; start += most) {
            const size_t height = rows - start < most ? rows - start : most;
            const size_t groups = (height + GROUP - 1) / GROUP;
            float x[CENTRED];
            memset(x, 0, groups * GROUP * padded * sizeof(float));
            for (size_t r = 0; r < height; r++)
                for (size_t i = 0; i < count; i++)
                    x[r * padded + i] =
                        (float)(((double)in[(start + r) * pitch + first + i] - centres[first + i]) *
                                factors[first + i]);
            add_block(x, groups * GROUP, padded, count, block, sums + first * block);
        }
    }
}
