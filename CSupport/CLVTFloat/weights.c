// SPDX-License-Identifier: Apache-2.0
#include "internal/vector.h"

// The squared error of a weight that is rounded to [-127, 127]. In this range the sum with
// 1.5 * 2^23 rounds to nearest even.
INLINE float rounding_error(float w, float scale) {
    const float nearest = (w / scale + 12582912.0f) - 12582912.0f;
    const float above = nearest < -127.0f ? -127.0f : nearest;
    const float q = above > 127.0f ? 127.0f : above;
    return (q * scale - w) * (q * scale - w);
}

CLONED
float lvtf_weight_scale(const float *w, size_t count) {
    float largest = 0, best = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabsf(w[i]) > largest ? fabsf(w[i]) : largest;
    double least = INFINITY;
    for (int step = 0; largest > 0 && step < 12; step++) {
        const float scale = largest / 127 * (1 - 0.02f * (float)step);
        float errors[16] = {0};
        size_t i = 0;
        for (; i + 16 <= count; i += 16)
            for (size_t lane = 0; lane < 16; lane++)
                errors[lane] += rounding_error(w[i + lane], scale);
        double error = 0;
        for (size_t lane = 0; lane < 16; lane++)
            error += (double)errors[lane];
        for (; i < count; i++)
            error += (double)rounding_error(w[i], scale);
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    return best;
}

CLONED void lvtf_unit_factor(double *matrix, size_t k) {
    for (size_t p = 0; p < k; p++) {
        double *restrict pivot = matrix + p * k;
        for (size_t i = p + 1; i < k; i++) {
            double *restrict row = matrix + i * k;
            const double factor = pivot[i] / pivot[p];
            for (size_t j = i; j < k; j++)
                row[j] -= factor * pivot[j];
        }
        for (size_t j = k; j-- > p;)
            pivot[j] /= pivot[p];
    }
}

CLONED void lvtf_round_weights(const float *w,
                               size_t rows,
                               size_t pitch,
                               size_t k,
                               const float *unit_factor,
                               const float *scales,
                               int8_t *out) {
    enum { TOGETHER = 16, MOST = 1024 };
    float errors[MOST][TOGETHER];
    for (size_t row = 0; row < rows; row += TOGETHER) {
        const size_t count = rows - row < TOGETHER ? rows - row : TOGETHER;
        for (size_t i = k; i-- > 0;) {
            float made_up[TOGETHER] = {0};
            for (size_t j = i + 1; j < k; j++)
                for (size_t r = 0; r < TOGETHER; r++)
                    made_up[r] += unit_factor[i * k + j] * errors[j][r];
            for (size_t r = 0; r < TOGETHER; r++)
                errors[i][r] = 0;
            for (size_t r = 0; r < count; r++) {
                const float weight = w[(row + r) * pitch + i], scale = scales[row + r];
                const float steps = rintf((weight + made_up[r]) / scale);
                const float q = steps < -127 ? -127 : steps > 127 ? 127 : steps;
                out[(row + r) * pitch + i] = (int8_t)q;
                errors[i][r] = weight - q * scale;
            }
        }
    }
}

CLONED double
lvtf_drift(const float *w, const int8_t *integers, size_t k, float scale, const double *means) {
    enum { TOGETHER = 256 };
    double drift = 0;
    for (size_t start = 0; start < k; start += TOGETHER) {
        const size_t end = k - start < TOGETHER ? k : start + TOGETHER;
        double terms[TOGETHER];
        for (size_t i = start; i < end; i++) {
            const float rounded = (float)integers[i] * scale;
            terms[i - start] = (double)(rounded - w[i]) * means[i];
        }
        for (size_t i = start; i < end; i++)
            drift += terms[i - start];
    }
    return drift;
}
