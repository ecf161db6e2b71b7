// SPDX-License-Identifier: Apache-2.0
//
// One source for every CPU: vector types of 8 floats and loops that the compiler vectorises, cloned
// for the wider instruction sets and chosen when the program starts.
#include "CLVTFloat.h"
#include <math.h>
#include <string.h>

// Clones are chosen before ThreadSanitizer's runtime is there, which their choice would call.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONED
#endif
#define INLINE static inline __attribute__((always_inline))

enum { ROWS = 6, COLUMNS = 16 };
enum { BLOCK = 42 * ROWS }; // rows whose inputs stay in the L2 cache while panels pass
typedef float f32x16 __attribute__((vector_size(64), aligned(4)));

size_t lvtf_packed_count(size_t k, size_t n) {
    return (n + COLUMNS - 1) / COLUMNS * COLUMNS * k;
}

void lvtf_pack(const float *w, size_t k, size_t n, float *packed) {
    memset(packed, 0, lvtf_packed_count(k, n) * sizeof(float));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < k; i++)
            packed[j / COLUMNS * COLUMNS * k + i * COLUMNS + j % COLUMNS] = w[j * k + i];
}

enum { INPUTS = 512 }; // of a row that a product works on at a time

/// Sums of `rows` rows and a panel's columns over some inputs, which are added to those in `out`
/// unless they are the first; the last ones end in bias and ReLU.
INLINE void tile(const float *const *a,
                 size_t count,
                 const float *panel,
                 int is_first,
                 int is_last,
                 size_t n,
                 size_t columns,
                 const float *bias,
                 int relu,
                 float *out,
                 const size_t rows) {
    f32x16 acc[ROWS];
    for (size_t r = 0; r < rows; r++) {
        acc[r] = (f32x16){0};
        if (!is_first)
            memcpy(&acc[r], out + r * n, columns * sizeof(float));
    }
    for (size_t i = 0; i < count; i++) {
        const f32x16 w = *(const f32x16 *)(panel + i * COLUMNS);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++)
            acc[r] += a[r][i] * w;
    }
    for (size_t r = 0; r < rows; r++) {
        float sums[COLUMNS];
        memcpy(sums, &acc[r], sizeof sums);
        for (size_t c = 0; is_last && c < columns; c++) {
            const float v = sums[c] + bias[c];
            sums[c] = relu && v < 0 ? 0 : v;
        }
        memcpy(out + r * n, sums, columns * sizeof(float));
    }
}

/// The same for all columns, `a` having the inputs from `first` on of each row.
INLINE void block(const float *const *a,
                  size_t rows,
                  size_t k,
                  size_t first,
                  size_t count,
                  const float *packed,
                  size_t n,
                  const float *bias,
                  int relu,
                  float *out) {
    const int is_first = first == 0, is_last = first + count == k;
    for (size_t j = 0; j < n; j += COLUMNS) {
        const float *panel = packed + j * k + first * COLUMNS;
        const size_t columns = n - j < COLUMNS ? n - j : COLUMNS;
        size_t r = 0;
        for (; r + ROWS <= rows; r += ROWS)
            tile(a + r,
                 count,
                 panel,
                 is_first,
                 is_last,
                 n,
                 columns,
                 bias + j,
                 relu,
                 out + r * n + j,
                 ROWS);
        for (; r < rows; r++)
            tile(a + r,
                 count,
                 panel,
                 is_first,
                 is_last,
                 n,
                 columns,
                 bias + j,
                 relu,
                 out + r * n + j,
                 1);
    }
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
        for (size_t first = 0; first < k; first += INPUTS) {
            for (size_t r = 0; r < height; r++)
                inputs[r] = a + (start + r) * k + first;
            const size_t count = k - first < INPUTS ? k - first : INPUTS;
            block(inputs, height, k, first, count, packed, n, bias, relu, out + start * n);
        }
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
    static const float outside[INPUTS];
    const float *inputs[BLOCK];
    const size_t positions = out_height * out_width, pad = kernel / 2;
    for (size_t start = 0; start < positions; start += BLOCK) {
        const size_t rows = positions - start < BLOCK ? positions - start : BLOCK;
        for (size_t tap = 0; tap < kernel * kernel; tap++) {
            for (size_t c = 0; c < channels; c += INPUTS) {
                for (size_t r = 0; r < rows; r++) {
                    // What is before the first row or column is far behind the last.
                    const size_t y = (start + r) / out_width * stride + tap / kernel - pad;
                    const size_t x = (start + r) % out_width * stride + tap % kernel - pad;
                    inputs[r] =
                        y < height && x < width ? in + (y * width + x) * channels + c : outside;
                }
                const size_t count = channels - c < INPUTS ? channels - c : INPUTS;
                block(inputs,
                      rows,
                      kernel * kernel * channels,
                      tap * channels + c,
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

/// Replaces the n scores of each channel by their softmax.
INLINE void softmax_columns(float *restrict x, size_t n, size_t channels) {
    for (size_t c = 0; c < channels; c++) {
        float greatest = x[c], total = 0;
        for (size_t i = 1; i < n; i++)
            greatest = fmaxf(greatest, x[i * channels + c]);
        for (size_t i = 0; i < n; i++)
            total += x[i * channels + c] = expf(x[i * channels + c] - greatest);
        for (size_t i = 0; i < n; i++)
            x[i * channels + c] /= total;
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

void lvtf_gelu(float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678118654752f));
}

CLONED void lvtf_add(float *restrict out, const float *restrict in, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] += in[i];
}

CLONED void lvtf_channel_statistics(const float *restrict in,
                                    size_t rows,
                                    size_t channels,
                                    float *restrict least,
                                    float *restrict greatest,
                                    double *restrict sum) {
    for (size_t r = 0; r < rows; r++, in += channels) {
        for (size_t c = 0; c < channels; c++) {
            least[c] = in[c] < least[c] ? in[c] : least[c];
            greatest[c] = in[c] > greatest[c] ? in[c] : greatest[c];
            sum[c] += in[c];
        }
    }
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

void lvtf_histogram(
    const float *in, size_t count, float low, float high, size_t bins, uint64_t *out) {
    const float scale = (float)bins / (high - low);
    for (size_t i = 0; i < count; i++) {
        const float position = (in[i] - low) * scale;
        const float last = (float)(bins - 1);
        // A range of no width makes NaN, which counts in bin 0.
        const float clamped = position > 0 ? position > last ? last : position : 0;
        out[(size_t)clamped]++;
    }
}

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

CLONED void lvtf_add_products(const float *in, size_t rows, size_t k, size_t block, float *sums) {
    for (size_t first = 0; first < k; first += block) {
        const size_t end = first + block < k ? first + block : k;
        size_t r = 0;
        // Sums pass through the cache once for four rows.
        for (; r + 4 <= rows; r += 4) {
            const float *x0 = in + r * k, *x1 = x0 + k, *x2 = x1 + k, *x3 = x2 + k;
            for (size_t i = first; i < end; i++) {
                float *restrict out = sums + i * block;
                for (size_t j = i; j < end; j++)
                    out[j - first] += x0[i] * x0[j] + x1[i] * x1[j] + x2[i] * x2[j] + x3[i] * x3[j];
            }
        }
        for (; r < rows; r++) {
            const float *x = in + r * k;
            for (size_t i = first; i < end; i++) {
                float *restrict out = sums + i * block;
                for (size_t j = i; j < end; j++)
                    out[j - first] += x[i] * x[j];
            }
        }
    }
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
