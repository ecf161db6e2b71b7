// SPDX-License-Identifier: Apache-2.0
#include "internal/product.h"

enum { QUERIES = 4 * ROWS }; // whose scores are there at a time
enum { NEIGHBOURS = 9 };

/// The sum of some values, each lane's first.
INLINE float sum_of(const float *x, size_t n) {
    float lanes[LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] += x[i + lane];
    for (size_t lane = 0; lane < LANES; lane++)
        total += lanes[lane];
    for (; i < n; i++)
        total += x[i];
    return total;
}

/// The sum of the squares of what is left of some values when `mean` is taken off.
INLINE float squares_of(const float *x, size_t n, float mean) {
    float lanes[LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] += (x[i + lane] - mean) * (x[i + lane] - mean);
    for (size_t lane = 0; lane < LANES; lane++)
        total += lanes[lane];
    for (; i < n; i++)
        total += (x[i] - mean) * (x[i] - mean);
    return total;
}

INLINE float greatest_of(const float *x, size_t n) {
    float lanes[LANES], greatest = x[0];
    for (size_t lane = 0; lane < LANES; lane++)
        lanes[lane] = x[0];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
    for (size_t lane = 0; lane < LANES; lane++)
        greatest = lanes[lane] > greatest ? lanes[lane] : greatest;
    for (; i < n; i++)
        greatest = x[i] > greatest ? x[i] : greatest;
    return greatest;
}

/// Makes weights of a query's scores: their softmax or, if there is a gamma, ReLU and LayerNorm.
/// Returns what the weighted sum is to be multiplied with.
INLINE float
weigh(float *restrict x, size_t n, const float *gamma, const float *beta, float epsilon) {
    if (!gamma) {
        const float greatest = greatest_of(x, n);
        for (size_t i = 0; i < n; i++)
            x[i] = exponential(x[i] - greatest);
        return 1 / sum_of(x, n);
    }
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? 0 : x[i];
    const float mean = sum_of(x, n) / (float)n;
    const float factor = *gamma / sqrtf(squares_of(x, n, mean) / (float)n + epsilon);
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) * factor + *beta;
    return 1;
}

size_t lvtf_attention_scratch(size_t keys, size_t head_channels) {
    return lvtf_packed_count(head_channels, keys) + lvtf_packed_count(keys, head_channels) +
           QUERIES * (keys + head_channels);
}

CLONED void lvtf_attention(const float *qkv,
                           size_t channels,
                           size_t heads,
                           const lvtf_place *queries,
                           size_t query_count,
                           const lvtf_place *keys,
                           size_t key_count,
                           float scale,
                           const float *biases,
                           size_t bias_count,
                           const float *gamma,
                           const float *beta,
                           float epsilon,
                           float *scratch,
                           float *out) {
    const size_t size = channels / heads;
    float *restrict key_panels = scratch;
    float *restrict value_panels = key_panels + lvtf_packed_count(size, key_count);
    float *scores = value_panels + lvtf_packed_count(key_count, size);
    float *means = scores + QUERIES * key_count;
    memset(scratch, 0, (size_t)(scores - scratch) * sizeof(float));
    for (size_t head = 0; head < heads; head++) {
        for (size_t i = 0; i < key_count; i++) {
            const float *key = qkv + (3 * keys[i].position + 1) * channels + head * size;
            const float *value = key + channels;
            float *panel = key_panels + i / LANES * LANES * size + i % LANES;
            for (size_t c = 0; c < size; c++)
                panel[c * LANES] = key[c];
            for (size_t c = 0; c < size; c++)
                value_panels[c / LANES * LANES * key_count + i * LANES + c % LANES] = value[c];
        }
        const float *middle = biases ? biases + head * bias_count + bias_count / 2 : NULL;
        for (size_t start = 0; start < query_count; start += QUERIES) {
            const size_t rows = query_count - start < QUERIES ? query_count - start : QUERIES;
            const float *inputs[QUERIES];
            float factors[QUERIES];
            for (size_t r = 0; r < rows; r++)
                inputs[r] = qkv + 3 * queries[start + r].position * channels + head * size;
            product(inputs, rows, size, key_panels, key_count, NULL, 0, scores);
            for (size_t r = 0; r < rows; r++) {
                float *restrict row = scores + r * key_count;
                inputs[r] = row;
                const float *bias = middle ? middle - queries[start + r].place : NULL;
                for (size_t i = 0; i < key_count; i++)
                    row[i] = bias ? row[i] * scale + bias[keys[i].place] : row[i] * scale;
                factors[r] = weigh(row,
                                   key_count,
                                   gamma ? gamma + head : NULL,
                                   beta ? beta + head : NULL,
                                   epsilon);
            }
            product(inputs, rows, key_count, value_panels, size, NULL, 0, means);
            for (size_t r = 0; r < rows; r++) {
                float *restrict mean = out + queries[start + r].position * channels + head * size;
                for (size_t c = 0; c < size; c++)
                    mean[c] = means[r * size + c] * factors[r];
            }
        }
    }
}

CLONED void lvtf_dilated_attention(const float *qkv,
                                   size_t height,
                                   size_t width,
                                   size_t channels,
                                   size_t heads,
                                   size_t groups,
                                   float scale,
                                   const float *gamma,
                                   const float *beta,
                                   float epsilon,
                                   float *out) {
    const size_t size = channels / heads;
    for (size_t p = 0; p < height * width; p++) {
        for (size_t head = 0; head < heads; head++) {
            const ptrdiff_t distance = (ptrdiff_t)(head / (heads / groups)) + 1;
            const float *restrict query = qkv + 3 * p * channels + head * size;
            const float *near[NEIGHBOURS]; // keys; NULL outside the map
            float weights[NEIGHBOURS];
            for (ptrdiff_t i = 0; i < NEIGHBOURS; i++) {
                const ptrdiff_t y = (ptrdiff_t)(p / width) + (i / 3 - 1) * distance;
                const ptrdiff_t x = (ptrdiff_t)(p % width) + (i % 3 - 1) * distance;
                const int inside =
                    y >= 0 && x >= 0 && y < (ptrdiff_t)height && x < (ptrdiff_t)width;
                const size_t at = 3 * ((size_t)y * width + (size_t)x) + 1;
                near[i] = inside ? qkv + at * channels + head * size : NULL;
                float lanes[8] = {0}, score = 0;
                size_t c = 0;
                for (; inside && c + 8 <= size; c += 8)
                    for (size_t lane = 0; lane < 8; lane++)
                        lanes[lane] += query[c + lane] * near[i][c + lane];
                for (size_t lane = 0; lane < 8; lane++)
                    score += lanes[lane];
                for (; inside && c < size; c++)
                    score += query[c] * near[i][c];
                weights[i] = score * scale;
            }
            const float factor = weigh(weights,
                                       NEIGHBOURS,
                                       gamma ? gamma + head : NULL,
                                       beta ? beta + head : NULL,
                                       epsilon);
            float *restrict sum = out + p * channels + head * size;
            memset(sum, 0, size * sizeof(float));
            for (size_t i = 0; i < NEIGHBOURS; i++) {
                const float *restrict value = near[i] ? near[i] + channels : NULL;
                for (size_t c = 0; value && c < size; c++)
                    sum[c] += weights[i] * factor * value[c];
            }
        }
    }
}
