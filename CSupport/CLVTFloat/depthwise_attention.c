// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

/// Replaces the n scores of each channel by their softmax.
INLINE void softmax_columns(float *restrict x, size_t n, size_t channels) {
    for (size_t first = 0; first < channels; first += LANES) {
        const size_t count = channels - first < LANES ? channels - first : LANES;
        float greatest[LANES], total[LANES] = {0};
        memcpy(greatest, x + first, count * sizeof(float));
        for (size_t i = 1; i < n; i++)
            for (size_t c = 0; c < count; c++) {
                const float score = x[i * channels + first + c];
                greatest[c] = score > greatest[c] ? score : greatest[c];
            }
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < count; c++) {
                float *score = &x[i * channels + first + c];
                *score = exponential(*score - greatest[c]);
                total[c] += *score;
            }
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < count; c++)
                x[i * channels + first + c] /= total[c];
    }
}

/// The same with ReLU and LayerNorm. 8 channels at a time stay in registers.
INLINE void normalize_columns(float *restrict x,
                              size_t n,
                              size_t channels,
                              const float *restrict gamma,
                              const float *restrict beta,
                              float epsilon) {
    for (size_t first = 0; first < channels; first += 8) {
        const size_t count = channels - first < 8 ? channels - first : 8;
        float mean[8] = {0}, variance[8] = {0}, factor[8];
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < count; c++) {
                const float score = x[i * channels + first + c];
                mean[c] += x[i * channels + first + c] = score < 0 ? 0 : score;
            }
        for (size_t c = 0; c < count; c++)
            mean[c] /= (float)n;
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < count; c++) {
                const float d = x[i * channels + first + c] - mean[c];
                variance[c] += d * d;
            }
        for (size_t c = 0; c < count; c++)
            factor[c] = gamma[first + c] / sqrtf(variance[c] / (float)n + epsilon);
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < count; c++)
                x[i * channels + first + c] =
                    (x[i * channels + first + c] - mean[c]) * factor[c] + beta[first + c];
    }
}

CLONED void lvtf_depthwise_attention(const float *qkv,
                                     size_t height,
                                     size_t width,
                                     size_t channels,
                                     size_t kernel,
                                     const float *bias,
                                     const float *gamma,
                                     const float *beta,
                                     float epsilon,
                                     float *weights,
                                     float *out) {
    const ptrdiff_t half = (ptrdiff_t)kernel / 2;
    const size_t taps = kernel * kernel;
    for (size_t p = 0; p < height * width; p++) {
        const float *restrict q = qkv + 3 * p * channels;
        const float *near[15 * 15]; // keys; NULL outside the map
        for (size_t i = 0; i < taps; i++) {
            const ptrdiff_t y = (ptrdiff_t)(p / width + i / kernel) - half;
            const ptrdiff_t x = (ptrdiff_t)(p % width + i % kernel) - half;
            const int inside = y >= 0 && x >= 0 && y < (ptrdiff_t)height && x < (ptrdiff_t)width;
            near[i] = inside ? qkv + (3 * ((size_t)y * width + (size_t)x) + 1) * channels : NULL;
            float *restrict score = weights + i * channels;
            memcpy(score, bias + i * channels, channels * sizeof(float));
            const float *restrict key = near[i];
            if (inside)
                for (size_t c = 0; c < channels; c++)
                    score[c] += q[c] * key[c];
        }
        if (gamma)
            normalize_columns(weights, taps, channels, gamma, beta, epsilon);
        else
            softmax_columns(weights, taps, channels);
        float *restrict sum = out + p * channels;
        memset(sum, 0, channels * sizeof(float));
        for (size_t i = 0; i < taps; i++) {
            if (!near[i])
                continue;
            const float *restrict value = near[i] + channels, *restrict w = weights + i * channels;
            for (size_t c = 0; c < channels; c++)
                sum[c] += w[c] * value[c];
        }
    }
}
