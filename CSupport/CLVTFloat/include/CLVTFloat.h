// SPDX-License-Identifier: Apache-2.0
//
// The float32 arithmetic that the planner calibrates with. Fast, but with no promise of equal bits
// from CPU to CPU: only the int8 kernels make that one. Maps are NHWC without padding.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Floats of a packed k x n matrix.
size_t lvtf_packed_count(size_t k, size_t n);

/// Packs `w`, n rows (outputs) of k inputs, for lvtf_product: panels of 16 outputs, k-major.
void lvtf_pack(const float *w, size_t k, size_t n, float *packed);

/// out[rows][n] = a[rows][k] * w + bias, then max(0, .) if `relu`; k > 0.
void lvtf_product(const float *a,
                  size_t rows,
                  size_t k,
                  const float *packed,
                  size_t n,
                  const float *bias,
                  int relu,
                  float *out);

/// K x K convolution with padding (K - 1) / 2; the packed matrix has inputs in the order row,
/// column, channel.
void lvtf_convolution(const float *in,
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
                      float *out);

/// K x K depth-wise convolution, stride 1, zero padding. `w` is [K * K taps][channels].
void lvtf_depthwise(const float *in,
                    size_t height,
                    size_t width,
                    size_t channels,
                    size_t kernel,
                    const float *w,
                    const float *bias,
                    int relu,
                    float *out);

/// The K x K neighbourhoods of every `step`-th position from the first on, zeros outside: `out` is
/// [positions][channels][K rows of taps], rows padded with zeros to groups of 4.
void lvtf_neighbours(const float *in,
                     size_t height,
                     size_t width,
                     size_t channels,
                     size_t kernel,
                     size_t step,
                     float *out);

/// K x K depth-wise convolution, stride 1, zero padding, with taps of each position: `taps` is
/// [height * width][groups][K * K], and neighbouring channels form groups of equal size. Then
/// max(0, sum * scale[c] + bias[c]).
void lvtf_inhomogeneous_depthwise(const float *in,
                                  size_t height,
                                  size_t width,
                                  size_t channels,
                                  size_t kernel,
                                  size_t groups,
                                  const float *taps,
                                  const float *scale,
                                  const float *bias,
                                  float *out);

/// Attention of each channel to the K x K neighbours of each position; zeros outside the map take
/// part. `qkv` has the queries, keys and values of a position side by side; `bias` is
/// [K * K neighbours][channels]. Weights are the softmax of the scores or, if there is a gamma,
/// gamma[c] * LayerNorm(max(0, score)) + beta[c]. `weights` has room for K * K * channels floats.
void lvtf_depthwise_attention(const float *qkv,
                              size_t height,
                              size_t width,
                              size_t channels,
                              size_t kernel,
                              const float *bias,
                              const float *gamma,
                              const float *beta,
                              float epsilon,
                              float *weights,
                              float *out);

/// A position of a map, and its place in a table of what is added to scores.
typedef struct {
    size_t position;
    ptrdiff_t place;
} lvtf_place;

/// Floats of scratch that lvtf_attention needs.
size_t lvtf_attention_scratch(size_t keys, size_t head_channels);

/// Attention of some positions to some positions; of other positions `out` is left as it is. `qkv`
/// has the queries, keys and values of a position side by side, [3][heads][channels / heads].
/// Scores are scale * q . k plus, if there are biases, that of the head at bias_count / 2 +
/// key.place - query.place; bias_count is odd. Weights are their softmax or, if there is a gamma,
/// gamma[head] * LayerNorm(max(0, score)) + beta[head].
void lvtf_attention(const float *qkv,
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
                    float *out);

/// The same without biases, of every position to the 3 x 3 around it; the heads form groups of
/// equal size, in group g these are g + 1 rows and columns apart. Zeros outside the map take part.
void lvtf_dilated_attention(const float *qkv,
                            size_t height,
                            size_t width,
                            size_t channels,
                            size_t heads,
                            size_t groups,
                            float scale,
                            const float *gamma,
                            const float *beta,
                            float epsilon,
                            float *out);

/// A map on a grid of other extents: of each place the nearest position at or before it, or, if
/// `bilinear`, the mean of four as PyTorch's `interpolate` has it without aligned corners and
/// antialiasing. A place's channels are `out_stride` floats after those of the place before it.
void lvtf_resample(const float *in,
                   size_t height,
                   size_t width,
                   size_t channels,
                   size_t grid_height,
                   size_t grid_width,
                   int bilinear,
                   float *out,
                   size_t out_stride);

/// LayerNorm over each of `rows` rows; `out` may be `in`.
void lvtf_layernorm(const float *in,
                    size_t rows,
                    size_t channels,
                    const float *gamma,
                    const float *beta,
                    float epsilon,
                    float *out);

/// x / 2 * (1 + erf(x / sqrt 2)), in place; erf is off by 4e-7 at most.
void lvtf_gelu(float *x, size_t count);

/// out += in
void lvtf_add(float *out, const float *in, size_t count);

/// Updates the least and greatest value of each channel, and its sum.
void lvtf_channel_statistics(
    const float *in, size_t rows, size_t channels, float *least, float *greatest, double *sum);

/// Adds each channel of a map to its sum.
void lvtf_add_channels_f32(const float *in, size_t positions, size_t channels, double *sums);

/// Adds each channel of int8 or int16 maps whose positions are `pitch` bytes apart to its sum.
void lvtf_add_channels_s8(
    const void *in, size_t positions, size_t channels, size_t pitch, double *sums);
void lvtf_add_channels_s16(
    const void *in, size_t positions, size_t channels, size_t pitch, double *sums);

/// Counts values in `bins` equal bins over [low, high]; values outside count in the outermost bins.
void lvtf_histogram(
    const float *in, size_t count, float low, float high, size_t bins, uint64_t *out);

/// The scale with which weights rounded to [-127, 127] lose least: that of the largest weight at
/// 127, or up to 22 % less; 0 for weights that are all zero.
float lvtf_weight_scale(const float *w, size_t count);

/// Sum of counts[i] * (results[q + 128] - images[i])^2, q being what values[i] is rounded to:
/// max(-128, min(127, rint(values[i] / scale) + zero_point)).
double lvtf_rounding_noise(const float *values,
                           const float *images,
                           const double *counts,
                           size_t bins,
                           float scale,
                           float zero_point,
                           const float *results);

/// Adds the products of every two of a row's k inputs that lie in the same block of at most 512
/// neighbouring inputs, over rows that begin `pitch` floats apart; of each input (in - centre) *
/// factor is taken. `sums` is [k][block]: of each input the products with those of its block, the
/// first first; only those with itself and later ones mean something.
void lvtf_add_products(const float *in,
                       size_t rows,
                       size_t pitch,
                       size_t k,
                       size_t block,
                       const double *centres,
                       const double *factors,
                       float *sums);

/// Of a symmetric positive definite matrix, of which the upper triangle is read: U, in its place,
/// where the matrix is U^T D U, D is diagonal, and U is upper triangular with ones on the diagonal.
void lvtf_unit_factor(double *matrix, size_t k);

/// Rounds rows of k weights to [-127, 127] steps of their row's scale, the last weight first: the
/// error of each is made up for by those before it as `unit_factor`, the U of their inputs'
/// covariance, says. Rows begin `pitch` elements apart, in `w` as in `out`; k is at most 1024.
void lvtf_round_weights(const float *w,
                        size_t rows,
                        size_t pitch,
                        size_t k,
                        const float *unit_factor,
                        const float *scales,
                        int8_t *out);

/// Sum of (integers[i] * scale - w[i]) * means[i].
double
lvtf_drift(const float *w, const int8_t *integers, size_t k, float scale, const double *means);
