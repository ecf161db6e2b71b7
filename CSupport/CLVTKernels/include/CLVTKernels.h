// SPDX-License-Identifier: Apache-2.0
//
// The int8 kernels: argument structs, the table of kernels, CPU features, packing.
//
// Conventions that hold for every kernel:
//
//   * Maps are NHWC. A pixel's channels fill blocks of 16 ("channel blocks"): the distance from one
//     pixel to the next, its *pitch*, is the channel count rounded up to 16. Channels past the real
//     count exist and hold what a channel with zero weights gives, so no kernel has a channel tail.
//   * real = scale * (q - zero_point).
//   * Every kernel is a pure function of its arguments, writes exactly the bytes named, reads only
//     the bytes named, does not allocate, and cannot fail: the plan is checked when it is loaded.
//   * `<op>__scalar` is the definition; the others give the same bytes.
//   * Floating point is IEEE binary32 in the default rounding mode (nearest, ties to even).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- Packed weights -----------------------------------------------------------------------------

enum { LVT_BLOCK = 16 };

/// Sixteen output columns of a matrix, or sixteen channels of a depth-wise filter.
///
/// `weights` holds ceil(k / 4) groups of [16 columns][4 consecutive k]; groups are padded with
/// zeros. The same bytes are the operand of SDOT, of VPDPBUSD and of the widening kernels. Range of
/// weights: [-127, 127]. Range of multiplier: [0, 0.5].
typedef struct {
    int32_t bias[LVT_BLOCK];       ///< Holds -zero_point(a) * column_sum already.
    int32_t column_sum[LVT_BLOCK]; ///< Sum over k of the column's weights, for the +128 trick.
    float multiplier[LVT_BLOCK];   ///< s_in * s_w[c] / s_out.
    int8_t weights[];
} lvt_panel;

/// Bytes of one panel over `k` rows: a multiple of 64.
size_t lvt_panel_bytes(size_t k);

/// Packs 16 columns of a k x n matrix whose element (k, n) is `w[n * column_stride + k]`.
///
/// Columns from `n` on are missing and become zero weights, zero bias and zero multiplier.
/// `bias` and `multiplier` have `n` elements. `panel` has room for `lvt_panel_bytes(k)` bytes.
void lvt_pack_panel(lvt_panel *panel,
                    const int8_t *w,
                    size_t column_stride,
                    size_t k,
                    size_t n,
                    const int32_t *bias,
                    const float *multiplier,
                    int32_t a_zero_point);

/// Whether a panel from a file keeps its promises: weights in [-127, 127], column sums that are the
/// weights' sums, multipliers in [0, greatest_multiplier], no sum that can leave int32 for any int8
/// input, and zeros in all that pads: behind the last tap of a row, and in the columns from `n` on.
/// Where sums become integers the greatest multiplier is 0.5.
///
/// A matrix has one row of k taps; a depth-wise filter has `kernel` rows of `kernel` taps, and n
/// channels. Each row is padded to groups of 4.
bool lvt_panel_is_valid(
    const lvt_panel *panel, size_t rows, size_t taps, size_t n, float greatest_multiplier);

// ---- Matrix product -----------------------------------------------------------------------------

typedef enum {
    LVT_OUTPUT_S8 = 0,  ///< clamp(zero_point + rne(acc * m [+ (r - zr) * mr]), lo, 127)
    LVT_OUTPUT_S16 = 1, ///< saturate(rne(acc * m [+ f32(r - zr) * mr]))
    LVT_OUTPUT_S32 = 2, ///< acc
} lvt_output;

/// out[rows][16 * panel_count] = epilogue(bias + sum over k of a[row][k] * w[k][column])
///
/// A row is k bytes, or the neighbourhood of a position where it lies among its neighbours: as many
/// segments as the neighbourhood has rows. Positions next to each other make a line, and their
/// segments overlap. With n bytes in a segment, a[row][k] is at
///
///   a + row / line_rows * line_stride + row % line_rows * a_stride + k / n * segment_stride + k % n
///
/// `out` may be `residual` (an in-place residual sum); otherwise nothing overlaps.
typedef struct {
    const int8_t *a;       ///< Readable from the first row to a multiple of 4 bytes of the last.
    size_t a_stride;       ///< Bytes from row to row.
    size_t rows;           ///< Any number, also 0.
    size_t k;              ///< 1 ... 65536; of several segments a multiple of 4 each.
    size_t segments;       ///< 1 for a plain matrix.
    size_t segment_stride; ///< Bytes from segment to segment; 0 for a plain matrix.
    size_t line_rows;      ///< Divides rows; for a plain matrix it is rows.
    size_t line_stride;    ///< A multiple of segment_stride.
    const void *panels;    ///< `panel_count` panels, each lvt_panel_bytes(k), 64-byte aligned.
    size_t panel_count;
    void *out;
    size_t out_stride; ///< Bytes from row to row.
    lvt_output output;
    int32_t out_zero_point; ///< [-128, 127]
    int32_t out_lo;         ///< [-128, 127]; ReLU is the zero point.
    const void *residual;   ///< NULL for none; of the output's type, int8 or int16.
    size_t residual_stride;
    int32_t residual_zero_point;
    float residual_multiplier;    ///< s_residual / s_out, in [0, 16384].
    bool is_residual_behind_relu; ///< max(acc * m, 0) is what a residual is added to.
    void *scratch;                ///< lvt_gemm_scratch_bytes, 64-byte aligned.
} lvt_gemm_args;

/// Scratch that any kernel of the table may need; the same for every CPU, so a plan can promise it.
///
/// For neighbourhoods, `rows` is the number of different segments of a line's first position, over
/// all lines, and k the bytes from a segment of its first to the end of one of its last.
size_t lvt_gemm_scratch_bytes(size_t rows, size_t k);

// ---- Depth-wise convolution ---------------------------------------------------------------------

/// One channel block of a K x K depth-wise convolution, stride 1, padding (K - 1) / 2, output rows
/// y_begin ..< y_end. The input is its zero point outside the map. It is added to the output as
/// lvt_gemm_args adds a residual, unless the residual multiplier is 0.
///
/// `out` may be `in`: an input row is copied to the ring in `scratch` before an output row replaces
/// it. `above` and `below` point to copies of the (K - 1) / 2 rows before y_begin and from y_end on
/// where these rows are another thread's, which may have overwritten them.
typedef struct {
    const int8_t *in;                ///< Row 0 of the map, first channel of the block.
    const int8_t *above, *below;     ///< Copies with the map's strides, or NULL: read the map.
    int8_t *out;                     ///< Row 0 of the output map, first channel of the block.
    size_t row_stride, pixel_stride; ///< Bytes, the same for input and output.
    size_t height, width;            ///< Of the map, at least 1.
    size_t y_begin, y_end;
    size_t kernel;          ///< Odd, 1 ... 15.
    const lvt_panel *panel; ///< With k = lvt_dwconv_panel_k(kernel).
    int32_t in_zero_point;
    int32_t out_zero_point, out_lo;
    float residual_multiplier; ///< s_in / s_out, in [0, 16384].
    void *scratch;             ///< lvt_dwconv_scratch_bytes(width, kernel), 64-byte aligned.
} lvt_dwconv_args;

/// The `k` of a depth-wise panel: `kernel` rows of taps, each padded to a multiple of 4.
size_t lvt_dwconv_panel_k(size_t kernel);
size_t lvt_dwconv_scratch_bytes(size_t width, size_t kernel);

/// Makes the panel of a depth-wise filter whose taps were computed at run time. For each channel,
/// each operation rounded once and FLT_MIN = 2^-126:
///
///   s          = max(max |w| / 127, |bias| / in_scale * 2^-28, FLT_MIN)
///   unit       = max(in_scale * s, FLT_MIN)
///   weight     = clamp(rne(w / s), -127, 127)
///   panel bias = rne(clamp(bias / unit, -2^30, 2^30)) - in_zero_point * sum of weights
///   multiplier = min(unit / out_scale, 0.5)
///
/// So the bias fits, and no sum can leave int32. Outputs are too small where the multiplier is cut
/// to 0.5: the planner chooses an out_scale for which calibration is far from that.
typedef struct {
    const float *weights; ///< [kernel * kernel taps][16 channels], finite.
    const float *bias;    ///< 16, finite.
    size_t kernel;        ///< Odd, 1 ... 15.
    float in_scale;       ///< Positive and finite, as is out_scale.
    float out_scale;
    int32_t in_zero_point;
    lvt_panel *panel; ///< lvt_panel_bytes(lvt_dwconv_panel_k(kernel)), 64-byte aligned.
} lvt_pack_dwconv_args;

// ---- Depth-wise convolution, taps of each position ----------------------------------------------

/// Makes row `in` of a map ready for posconv_s16. With pad = (kernel - 1) / 2:
///
///   out[p][c][0] = in[p - pad][c] - zero_point
///   out[p][c][1] = in[p + 1 - pad][c] - zero_point
///
/// and 0 for pixels outside the row.
typedef struct {
    const int8_t *in; ///< width pixels; NULL for a row outside the map, which is zeros.
    size_t pixel_stride;
    size_t width;    ///< At least 1.
    size_t channels; ///< A multiple of 16.
    size_t kernel;   ///< Odd, 1 ... 15.
    int32_t zero_point;
    int16_t *out; ///< [width + kernel - 1][channels][2], 32-byte aligned.
} lvt_pair_pixels_args;

/// Neighbouring pixels of a row of a K x K depth-wise convolution, each with taps of its own that
/// groups of channels share:
///
///   acc[c] = sum over ky, kx of x(ky, kx)[c] * tap(ky, kx)[c / group_channels]
///   out[c] = clamp(zero_point + rne(f32(acc[c]) * multiplier[c] + bias[c]), lo, 127)
///
/// Each operation is rounded once; c / group_channels is at most groups - 1. Taps stand in pairs,
/// and the filter's last column behind the others:
///
///   tap(ky, kx)[g] = taps[(t / 2 * groups + g) * 2 + t % 2]
///   t = ky * (kernel - 1) + kx        for kx < kernel - 1
///   t = kernel * (kernel - 1) + ky    for kx = kernel - 1
///
/// The other half of the last pair has no meaning. No sum overflows, since there are at most 15^2
/// taps: 225 * 32768 * 255 < 2^31.
typedef struct {
    const int16_t *const *rows; ///< kernel rows of pair_pixels_s8, at the first pixel's position.
    const int16_t *taps;        ///< count x lvt_posconv_tap_count(kernel, groups).
    size_t kernel;              ///< Odd, 1 ... 15.
    size_t channels;            ///< A multiple of 16.
    size_t groups, group_channels;  ///< At least 1.
    size_t count;                   ///< Pixels, also 0.
    const float *multiplier;        ///< For each channel, in [-0.5, 0.5].
    const float *bias;              ///< For each channel, in units of the output, in [-2^24, 2^24].
    int32_t out_zero_point, out_lo; ///< As in lvt_gemm_args.
    int8_t *out;
    size_t out_stride; ///< Bytes from pixel to pixel.
} lvt_posconv_args;

/// Int16 elements from one position's taps to the next one's: taps, and elements behind them that
/// kernels may load and do not use. A multiple of 16.
size_t lvt_posconv_tap_count(size_t kernel, size_t groups);

// ---- LayerNorm ----------------------------------------------------------------------------------

/// Normalises each row of n = `channels` values. S and V are exact:
///
///   S   = sum q
///   V   = sum q^2
///   r   = 1 / sqrt(f32(n*V - S*S) * inv_n2 + epsilon)
///   out = clamp(zero_point + rne((f32(n*q - S) * (r * inv_n)) * gamma[c] + beta[c]), lo, hi)
///
/// Each operation is rounded once. Rows are readable up to the pitch; padding channels take no part
/// in the sums and give the zero point, since gamma and beta are 0 there. q is int8 or int16; its
/// zero point drops out. The output is int8 or int16 too, lo and hi are its ends. If both have one
/// type, `out` may be `in` with equal strides. gamma and beta are finite.
typedef struct {
    const void *in;
    size_t in_stride;  ///< Bytes from row to row.
    int32_t in_is_s16; ///< 0: int8, 1: int16.
    size_t rows;
    size_t channels;        ///< 1 ... 16384.
    const float *gamma;     ///< gamma / s_out, padded with zeros to the pitch.
    const float *beta;      ///< beta / s_out, padded with zeros to the pitch.
    float inv_n, inv_n2;    ///< f32(1 / n) and its square, rounded.
    float epsilon;          ///< eps / s_in^2, at least 2^-40.
    int32_t out_is_s16;     ///< 0: int8, 1: int16.
    int32_t out_zero_point; ///< [-128, 127]
    void *out;              ///< rows x pitch.
    size_t out_stride;      ///< Bytes from row to row.
} lvt_layernorm_args;

// ---- Attention ----------------------------------------------------------------------------------

/// LayerNorm over the keys of a query, which follows ReLU.
typedef struct {
    const float *gamma, *beta; ///< For each head, in [-2^24, 2^24].
    float epsilon;             ///< In units of squared scores, at least 2^-40, finite.
} lvt_key_norm;

/// Softmax attention of some positions, the queries, to all positions of a window or a map, the
/// keys. For each head and query i:
///
///   t[j]      = rne(f32(sum over c of q[i][c] * k[j][c]) * score_multiplier) + bias[head][j - i]
///   e[j]      = 2^((t[j] - max t) / 1024) in 15 - s bits, by the polynomial of attention.h
///   out[i][c] = clamp(zero_point + rne(f32(sum e[j] * v[j][c]) * (out_multiplier / f32(sum e))))
///
/// with the least s for which keys <= 512 * 2^s, so that no sum can leave int32. Only positions of
/// the same region take part. The product with score_multiplier is clamped to +-2^21. Zero is 0 in
/// q, k and v. `out` may be `q` with the same stride; otherwise nothing overlaps.
///
/// With a key norm, ReLU and LayerNorm over the keys take the softmax's place. The n keys are those
/// of the query's region, and all sums are exact:
///
///   r[j]      = clamp(t[j], 0, 32767)
///   S         = sum r[j]
///   Q         = sum r[j]^2
///   A[c]      = sum r[j] * v[j][c]
///   V[c]      = sum v[j][c]
///   k         = (1 / sqrt(f32(n*Q - S*S) * inv_n2 + epsilon)) * inv_n
///   x[c]      = f32(n*A[c] - S*V[c]) * ((k * gamma[head]) * m) + f32(V[c]) * (beta[head] * m)
///   out[i][c] = clamp(zero_point + rne(x[c]))
///
/// inv_n is f32(1 / n), inv_n2 its square and m the out_multiplier. Each operation is rounded once.
typedef struct {
    const int8_t *q, *k, *v; ///< Rows of position 0 and on; head h starts at channel h * head_dim.
    size_t stride;           ///< Bytes from position to position, the same for all three.
    size_t keys;             ///< Positions, 1 ... 65536; at most 512 with a key norm.
    size_t first, queries;   ///< Positions first ..< first + queries attend.
    size_t heads, head_dim;  ///< head_dim at most 16384.
    float score_multiplier;  ///< s_q * s_k * head_dim^-0.5 over the unit of scores, in [0, 65536];
                             ///< the softmax's unit is ln(2) / 1024.
    const int32_t *bias;     ///< heads x (2 * window - 1)^2 by key minus query in rows and columns,
                             ///< in units of scores, within +-2^21; NULL for none.
    size_t window;           ///< If there are biases: the edge of the window, window^2 = keys.
    const uint8_t *regions;  ///< One for each position; NULL if all are of one region.
    const lvt_key_norm *key_norm; ///< NULL: softmax.
    float out_multiplier;         ///< s_v / s_out, in [0, 65536].
    int32_t out_zero_point;
    int8_t *out; ///< Row of position 0; only those of queries are written.
    size_t out_stride;
    void *scratch; ///< lvt_attention_scratch_bytes(keys, head_dim), 64-byte aligned.
} lvt_attention_args;

/// Scratch that any kernel of the table may need.
size_t lvt_attention_scratch_bytes(size_t keys, size_t head_dim);

/// Softmax attention of each position to its 3 x 3 neighbours, the formula of lvt_attention_args
/// without biases and regions. The heads form `dilations` groups of equal size; in group g the
/// neighbours are g + 1 rows and columns apart. A neighbour outside the map has zeros for k and v
/// and takes part. Output rows y_begin ..< y_end. `out` may be `q` with the same stride.
typedef struct {
    const int8_t *q, *k, *v; ///< Position 0 of the map; head h starts at channel h * head_dim.
    size_t stride;           ///< Bytes from position to position, the same for all three.
    size_t height, width;    ///< Of the map, at least 1.
    size_t y_begin, y_end;
    size_t dilations;       ///< Divides `heads`.
    size_t heads, head_dim; ///< head_dim at most 16384.
    float score_multiplier; ///< As in lvt_attention_args, and so are the next two.
    float out_multiplier;
    int32_t out_zero_point;
    int8_t *out; ///< Position 0 of the map.
    size_t out_stride;
    void *scratch; ///< lvt_dilated_attention_scratch_bytes(head_dim), 64-byte aligned.
} lvt_dilated_attention_args;

/// Scratch that any kernel of the table may need.
size_t lvt_dilated_attention_scratch_bytes(size_t head_dim);

/// Attention in which every channel weighs the K x K neighbours j of a position for itself; outside
/// the map k and v are zeros, which take part. Zero is 0 in q, k and v.
///
/// depthwise_softmax_s8: the formula of lvt_attention_args with the products q[c] * k[j][c] instead
/// of sums, multipliers of each channel, and the biases below.
///
/// depthwise_layernorm_s8: the formula of the key norm there, with n = kernel^2, gamma, beta and
/// epsilon of each channel, no out_multiplier, and
///
///   r[j] = clamp(q[c] * k[j][c] + bias[j][c], 0, 32767)
///
/// Output rows y_begin ..< y_end. `out` may be `q` with the same stride; otherwise nothing
/// overlaps.
typedef struct {
    const int8_t *q, *k, *v; ///< Position 0 of the map.
    size_t stride;           ///< Bytes from position to position, the same for all three.
    size_t height, width;    ///< Of the map, at least 1.
    size_t y_begin, y_end;
    size_t kernel;       ///< Odd, 1 ... 15.
    size_t channels;     ///< A multiple of 16.
    const int16_t *bias; ///< kernel^2 x channels, in units of the channel's scores.
    /// Softmax: for each channel, as in lvt_attention_args.
    const float *score_multiplier, *out_multiplier;
    /// LayerNorm: for each channel, as in lvt_key_norm; gamma and beta times s_v / s_out.
    const float *gamma, *beta, *epsilon;
    int32_t out_zero_point;
    int8_t *out; ///< Position 0 of the map.
    size_t out_stride;
    void *scratch; ///< lvt_depthwise_attention_scratch_bytes(channels), 64-byte aligned.
} lvt_depthwise_attention_args;

/// Scratch that any kernel of the table may need.
size_t lvt_depthwise_attention_scratch_bytes(size_t channels);

// ---- Small kernels ------------------------------------------------------------------------------

/// out[i] = table[in[i] + 128]; `out` may be `in`. `count` is a multiple of 16, `table` has 256
/// entries.
typedef void lvt_table_fn(const int8_t *in, int8_t *out, size_t count, const int8_t *table);

/// Int16 values as int8:
///
///   out = clamp(zero_point + rne(f32(in) * multiplier), -128, 127)
typedef struct {
    const int16_t *in;
    size_t in_stride; ///< Bytes from row to row.
    int8_t *out;
    size_t out_stride; ///< Bytes from row to row.
    size_t rows;
    size_t channels;  ///< A multiple of 16.
    float multiplier; ///< s_in / s_out, in [0, 16384].
    int32_t out_zero_point;
} lvt_narrow_args;

/// sums[c] = sum over rows of in[row][c], for `channels` (a multiple of 16) and at most 2^23 rows;
/// overwrites `sums`.
typedef void
lvt_column_sums_fn(const int8_t *in, size_t stride, size_t rows, size_t channels, int32_t *sums);

/// out[i] = in[i] - 128: grey levels around the middle.
typedef void lvt_centre_fn(const uint8_t *in, int8_t *out, size_t count);

/// Gathers the K x K neighbourhood of a position of a map as a row of a matrix: taps in raster
/// order, each with its channels. The padding is (K - 1) / 2 on every side. Each row of K taps
/// takes a multiple of 4 bytes; what fills it is left as it is.
typedef struct {
    const int8_t *in;     ///< Position 0 of the map, whose positions follow each other.
    size_t pixel_stride;  ///< Bytes from position to position.
    size_t height, width; ///< At least 1.
    size_t channels;
    size_t kernel;         ///< Odd.
    size_t row, column;    ///< The position.
    const int8_t *outside; ///< `channels` bytes: a tap outside the map.
    int8_t *out;
} lvt_taps_args;

/// Copies pixels. pixels_s8 copies `channels` bytes of each. pixels_u8 reads RGB and writes four
/// bytes: the colours as q = u8 - 128, then -128.
typedef struct {
    const void *in;
    int8_t *out;
    size_t in_stride, out_stride; ///< Bytes from pixel to pixel.
    size_t count;
    size_t channels; ///< At least 1; pixels_u8 does not read it.
} lvt_pixels_args;

// ---- Pictures -----------------------------------------------------------------------------------

/// How luma and chroma become colours, in units of 2^-13:
///
///   Y = y - luma_offset, U = u - 128, V = v - 128
///   red   = clamp((luma * Y               + red_v * V   + 2^12) >> 13, 0, 255)
///   green = clamp((luma * Y + green_u * U + green_v * V + 2^12) >> 13, 0, 255)
///   blue  = clamp((luma * Y + blue_u * U                + 2^12) >> 13, 0, 255)
typedef struct {
    int16_t luma_offset; ///< 0 ... 255
    int16_t luma, red_v, green_u, green_v, blue_u;
} lvt_yuv_matrix;

/// A row of luma, and of chroma at half the width, as RGB. Pixel x has luma y[x * y_step] and
/// chroma u[x / 2 * chroma_step] and v[x / 2 * chroma_step]. The steps are
///
///   2 and 4: packed in groups of four bytes, y at byte 0 or 1, u and v at the two others
///   1 and 2: chroma in pairs, u and v next to each other
///   1 and 1: planes
///
/// Packed, y, u and v point into the first of ceil(width / 2) groups. All bytes of a group or a
/// pair are readable. Nothing overlaps.
typedef struct {
    const uint8_t *y, *u, *v;
    size_t y_step, chroma_step;
    size_t width; ///< Any number, also 0.
    lvt_yuv_matrix matrix;
    uint8_t *rgb; ///< 3 * width bytes.
} lvt_yuv_rgb_args;

/// A row of pixels of `step` bytes as RGB, which are bytes `red`, `green` and `blue` of each.
/// Nothing overlaps.
typedef struct {
    const uint8_t *in;        ///< step * width bytes.
    size_t step;              ///< 1, 3 or 4.
    uint8_t red, green, blue; ///< 0 ... 2, less than `step`.
    size_t width;             ///< Any number, also 0.
    uint8_t *rgb;             ///< 3 * width bytes.
} lvt_packed_rgb_args;

/// Weights of four neighbouring taps in units of 2^-22, as the multiplications of CPUs take them. A
/// weight is also high * 2^12 + low.
typedef struct {
    int32_t whole[4];
    int16_t high[4];
    int16_t low[4];      ///< 0 ... 4095
    uint8_t bytes[4][4]; ///< bytes[i][tap] is byte i of whole[tap], from the lowest.
} lvt_resample_weights;

/// Weighted means of neighbouring pixels of RGB rows, the same in each row, for each colour:
///
///   out[i] = clamp((sum over t of in[first[i] + t] * weight[i][t] + 2^21) >> 22, 0, 255)
///
/// Weights of taps behind the last are 0. The sum of a mean's |weight| times 255 is below
/// 2^31 - 2^21.
typedef struct {
    const uint8_t *in;
    size_t in_stride, out_stride;        ///< Bytes from row to row.
    size_t rows;                         ///< At least 1.
    size_t width;                        ///< Pixels of a row of `in`.
    size_t spare;                        ///< Bytes that may be read behind each row of `in`.
    const uint32_t *first;               ///< Ascending; first[i] + taps is at most width.
    const lvt_resample_weights *weights; ///< ceil(taps / 4) for each mean.
    bool has_negative;                   ///< Whether any weight is.
    size_t taps;                         ///< At least 1.
    size_t count;                        ///< Pixels of a row of `out`.
    uint8_t *out;
} lvt_resample_row_args;

/// The weighted mean of rows, byte by byte, by the formula of lvt_resample_row_args.
typedef struct {
    const uint8_t *const *rows; ///< One for each tap.
    const lvt_resample_weights *weights;
    bool has_negative; ///< Whether any weight is.
    size_t taps;       ///< At least 1.
    size_t count;      ///< Bytes of a row.
    uint8_t *out;
} lvt_resample_rows_args;

// ---- Grids --------------------------------------------------------------------------------------

/// What a column of a grid reads: position `first` of a row with weight 128 - `weight`, and the
/// next one with `weight`. Where the weight is 0 the next one is not read.
typedef struct {
    int32_t first;
    int32_t weight; ///< 0 ... 127
} lvt_place;

/// A row of a grid, between two rows of a map and between their positions:
///
///   v[i]   = above[i] * (128 - below_weight) + below[i] * below_weight
///   out[x] = (v[first] * (128 - weight) + v[first + 1] * weight + 2^13) >> 14
typedef struct {
    const int8_t *above, *below; ///< `width` positions; the same row where there is no next one.
    int32_t below_weight;        ///< 0 ... 127
    size_t width;                ///< Positions of a row, at least 1.
    size_t pitch;                ///< Bytes from position to position, a multiple of 16.
    const lvt_place *places;     ///< `columns`, whose positions are in the row.
    size_t columns;              ///< Positions of `out`.
    int16_t *scratch;            ///< width * pitch, 64-byte aligned.
    int8_t *out;                 ///< columns * pitch bytes.
} lvt_resample_args;

/// What a cell of a region reads: `count` columns from `first` on, with as many weights.
typedef struct {
    int32_t first;
    int32_t count;   ///< 0 for a cell beside the map.
    int32_t weights; ///< Where its weights start.
    int32_t rest;    ///< 2^14 less the sum of its weights, which no column has.
} lvt_region_cell;

/// A row of the cells of a region (RoIAlign), each a weighted mean over rows and columns of a map.
/// Weights are 0 ... 2^14; with the rest they make 2^14. The rest has the zero point.
///
///   v[x]   = (sum over rows of in[row][x] * weight + zero_point * rest + 2^6) >> 7
///   out[i] = clamp((sum over columns of v[x] * weight + 2^7 * zero_point * rest + 2^20) >> 21)
typedef struct {
    const int8_t *in;           ///< The first of the rows and of the columns.
    size_t row_stride, pitch;   ///< Bytes from row to row, and from column to column; the pitch is
                                ///< a multiple of 16.
    const int16_t *row_weights; ///< `rows`.
    size_t rows;                ///< Also 0.
    int32_t row_rest;
    int32_t zero_point;            ///< -128 ... 127
    size_t width;                  ///< Columns that cells read.
    const int16_t *column_weights; ///< Of all cells.
    const lvt_region_cell *cells;  ///< `cell_count`.
    size_t cell_count;
    int16_t *scratch; ///< width * pitch, 64-byte aligned.
    int8_t *out;      ///< cell_count * pitch bytes.
} lvt_region_row_args;

/// The greatest of the first `channels` channels of each position, of equals the first.
typedef struct {
    const int16_t *in;
    size_t width;    ///< Positions.
    size_t pitch;    ///< Values from position to position, a multiple of 16.
    size_t channels; ///< 1 ... 256, at most pitch.
    uint8_t *out;    ///< `width` bytes.
} lvt_greatest_args;

/// The greatest channel of each column of a grid, by the formula of lvt_resample_args without the
/// rounding; of equals the first.
typedef struct {
    const int16_t *above, *below;
    const uint8_t *above_greatest, *below_greatest; ///< What greatest_s16 makes of both.
    int32_t below_weight;                           ///< 0 ... 127
    size_t width;                                   ///< Positions of a row, at least 1.
    size_t pitch;            ///< Values from position to position, a multiple of 16.
    size_t channels;         ///< 1 ... 256, at most pitch.
    const lvt_place *places; ///< `columns`, whose positions are in the row.
    size_t columns;
    uint8_t *scratch; ///< `width` bytes.
    uint8_t *out;     ///< `columns` bytes.
} lvt_label_row_args;

// ---- The table ----------------------------------------------------------------------------------

/// CPU features, a bit mask. Within an architecture a higher bit is preferred.
enum {
    LVT_CPU_AVX2 = 1 << 0,
    LVT_CPU_AVXVNNI = 1 << 1,
    LVT_CPU_AVX512VNNI = 1 << 2, ///< F, BW, DQ, VL and VNNI.
    LVT_CPU_AVX512VBMI = 1 << 3,
    LVT_CPU_NEON = 1 << 8,
    LVT_CPU_NEONDOT = 1 << 9,
    LVT_CPU_NEONI8MM = 1 << 10,
};

typedef void lvt_gemm_fn(const lvt_gemm_args *);
typedef void lvt_dwconv_fn(const lvt_dwconv_args *);
typedef void lvt_pack_dwconv_fn(const lvt_pack_dwconv_args *);
typedef void lvt_pair_pixels_fn(const lvt_pair_pixels_args *);
typedef void lvt_posconv_fn(const lvt_posconv_args *);
typedef void lvt_layernorm_fn(const lvt_layernorm_args *);
typedef void lvt_attention_fn(const lvt_attention_args *);
typedef void lvt_narrow_fn(const lvt_narrow_args *);
typedef void lvt_dilated_attention_fn(const lvt_dilated_attention_args *);
typedef void lvt_depthwise_attention_fn(const lvt_depthwise_attention_args *);
typedef void lvt_taps_fn(const lvt_taps_args *);
typedef void lvt_pixels_fn(const lvt_pixels_args *);
typedef void lvt_yuv_rgb_fn(const lvt_yuv_rgb_args *);
typedef void lvt_packed_rgb_fn(const lvt_packed_rgb_args *);
typedef void lvt_resample_row_fn(const lvt_resample_row_args *);
typedef void lvt_resample_rows_fn(const lvt_resample_rows_args *);
typedef void lvt_resample_fn(const lvt_resample_args *);
typedef void lvt_region_row_fn(const lvt_region_row_args *);
typedef void lvt_greatest_fn(const lvt_greatest_args *);
typedef void lvt_label_row_fn(const lvt_label_row_args *);

/// One function for each operation: the best this CPU runs within a mask.
typedef struct {
    lvt_gemm_fn *gemm_s8;
    lvt_dwconv_fn *dwconv_s8;
    lvt_pack_dwconv_fn *pack_dwconv_f32;
    lvt_pair_pixels_fn *pair_pixels_s8;
    lvt_posconv_fn *posconv_s16;
    lvt_layernorm_fn *layernorm;
    lvt_table_fn *table_s8;
    lvt_column_sums_fn *column_sums_s8;
    lvt_centre_fn *centre_u8;
    lvt_attention_fn *attention_s8;
    lvt_narrow_fn *narrow_s16;
    lvt_dilated_attention_fn *dilated_attention_s8;
    lvt_depthwise_attention_fn *depthwise_softmax_s8;
    lvt_depthwise_attention_fn *depthwise_layernorm_s8;
    lvt_taps_fn *taps_s8;
    lvt_pixels_fn *pixels_s8;
    lvt_pixels_fn *pixels_u8;
    lvt_yuv_rgb_fn *yuv_rgb_u8;
    lvt_packed_rgb_fn *packed_rgb_u8;
    lvt_resample_row_fn *resample_row_u8;
    lvt_resample_rows_fn *resample_rows_u8;
    lvt_resample_fn *resample_s8;
    lvt_region_row_fn *region_row_s8;
    lvt_greatest_fn *greatest_s16;
    lvt_label_row_fn *label_row_s16;
} lvt_kernels;

/// What this CPU and its operating system support.
uint32_t lvt_cpu_features(void);

/// The best kernels whose features are all in `features`. Pass a subset of lvt_cpu_features().
lvt_kernels lvt_kernels_select(uint32_t features);

/// A row of the one kernel list.
typedef struct {
    const char *op;
    const char *isa;
    uint32_t features; ///< All of these must be present.
    void (*function)(void);
} lvt_kernel_row;

size_t lvt_kernel_count(void);
lvt_kernel_row lvt_kernel_at(size_t index);
