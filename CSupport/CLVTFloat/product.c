// SPDX-License-Identifier: Apache-2.0
#include "internal/product.h"

size_t lvtf_packed_count(size_t k, size_t n) {
    return (n + LANES - 1) / LANES * LANES * k;
}

void lvtf_pack(const float *w, size_t k, size_t n, float *packed) {
    memset(packed, 0, lvtf_packed_count(k, n) * sizeof(float));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < k; i++)
            packed[j / LANES * LANES * k + i * LANES + j % LANES] = w[j * k + i];
}

CLONED void lvtf_product(const float *a,
                         size_t rows,
                         size_t k,
                         const float *packed,
                         size_t n,
                         const float *bias,
                         int relu,
                         float *out) {
    const float *inputs[BLOCK];
    for (size_t start = 0; start < rows; start += BLOCK) {
        const size_t height = rows - start < BLOCK ? rows - start : BLOCK;
        for (size_t r = 0; r < height; r++)
            inputs[r] = a + (start + r) * k;
        product(inputs, height, k, packed, n, bias, relu, out + start * n);
    }
}

CLONED void lvtf_convolution(const float *in,
                             size_t height,
                             size_t width,
                             size_t channels,
                             size_t kernel,
                             size_t stride,
                             const float *packed,
                             size_t n,
                             const float *bias,
                             int relu,
                             size_t out_height,
                             size_t out_width,
                             float *out) {
    enum { GATHERED = 8 * ROWS };
    static const float outside[INPUTS];
    // Short rows of several taps are put side by side, long ones are read where they are.
    float gathered[GATHERED * INPUTS];
    const size_t positions = out_height * out_width, pad = kernel / 2, taps = kernel * kernel;
    const size_t together = channels < INPUTS ? INPUTS / channels : 1;
    for (size_t start = 0; start < positions; start += GATHERED) {
        const size_t rows = positions - start < GATHERED ? positions - start : GATHERED;
        for (size_t first = 0; first < taps; first += together) {
            const size_t end = taps - first < together ? taps : first + together;
            for (size_t c = 0; c < channels; c += INPUTS) {
                const size_t part = channels - c < INPUTS ? channels - c : INPUTS;
                const size_t count = (end - first) * part;
                const float *inputs[GATHERED];
                for (size_t r = 0; r < rows; r++) {
                    for (size_t tap = first; tap < end; tap++) {
                        // What is before the first row or column is far behind the last.
                        const size_t y = (start + r) / out_width * stride + tap / kernel - pad;
                        const size_t x = (start + r) % out_width * stride + tap % kernel - pad;
                        inputs[r] =
                            y < height && x < width ? in + (y * width + x) * channels + c : outside;
                        float *place = gathered + r * count + (tap - first) * part;
                        for (size_t i = 0; together > 1 && i < part; i++)
                            place[i] = inputs[r][i];
                    }
                    if (together > 1)
                        inputs[r] = gathered + r * count;
                }
                block(inputs,
                      rows,
                      taps * channels,
                      first * channels + c,
                      count,
                      packed,
                      n,
                      bias,
                      relu,
                      out + start * n);
            }
        }
    }
}
