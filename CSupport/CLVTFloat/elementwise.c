// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

CLONED void lvtf_layernorm(const float *in,
                           size_t rows,
                           size_t channels,
                           const float *gamma,
                           const float *beta,
                           float epsilon,
                           float *out) {
    for (size_t r = 0; r < rows; r++, in += channels, out += channels) {
        double sum = 0, squares = 0;
        for (size_t c = 0; c < channels; c++)
            sum += in[c];
        const float mean = (float)(sum / (double)channels);
        for (size_t c = 0; c < channels; c++)
            squares += (double)(in[c] - mean) * (double)(in[c] - mean);
        const float scale = 1 / sqrtf((float)(squares / (double)channels) + epsilon);
        for (size_t c = 0; c < channels; c++)
            out[c] = (in[c] - mean) * scale * gamma[c] + beta[c];
    }
}

CLONED void lvtf_gelu(float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] = 0.5f * x[i] * (1 + error_function(x[i] * 0.70710678118654752f));
}

CLONED void lvtf_add(float *restrict out, const float *restrict in, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] += in[i];
}
