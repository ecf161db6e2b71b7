// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, the definition. See lvt_gemm_args for shapes and ranges.
#include "internal/gemm.h"
#include "internal/kernels.h"
#include "internal/requantize.h"

typedef int8_t s8x8 __attribute__((vector_size(8), aligned(1)));
typedef int16_t s16x8 __attribute__((vector_size(16)));
typedef int32_t s32x4 __attribute__((vector_size(16)));
typedef int32_t s32x8 __attribute__((vector_size(32)));

/// Adds a segment's products to the sums of sixteen columns, in pairs for each column. Planners run
/// whole networks with this: products of eight int16, added in pairs, are one instruction even of
/// the oldest x86-64.
static void accumulate(const int8_t *a, const int8_t *w, size_t k, s32x4 pairs[LVT_BLOCK / 2]) {
    size_t i = 0;
    for (; i + 4 <= k; i += 4, w += 4 * LVT_BLOCK) {
        const s16x8 four = {a[i], a[i + 1], a[i + 2], a[i + 3], a[i], a[i + 1], a[i + 2], a[i + 3]};
        for (size_t j = 0; j < LVT_BLOCK / 2; j++) {
            const s16x8 weights =
                __builtin_convertvector(*(const s8x8 *)(const void *)(w + 8 * j), s16x8);
            const s32x8 products =
                __builtin_convertvector(four, s32x8) * __builtin_convertvector(weights, s32x8);
            pairs[j] += __builtin_shufflevector(products, products, 0, 2, 4, 6) +
                        __builtin_shufflevector(products, products, 1, 3, 5, 7);
        }
    }
    for (size_t rest = 0; i + rest < k; rest++)
        for (size_t c = 0; c < LVT_BLOCK; c++)
            pairs[c / 2][c % 2 * 2] += a[i + rest] * w[4 * c + rest];
}

void lvt_gemm_s8__scalar(const lvt_gemm_args *g) {
    const size_t k = g->k / g->segments;
    for (size_t row = 0; row < g->rows; row++) {
        const int8_t *a =
            g->a + row / g->line_rows * g->line_stride + row % g->line_rows * g->a_stride;
        for (size_t panel = 0; panel < g->panel_count; panel++) {
            const lvt_panel *p = lvt_gemm_panel(g, panel);
            void *out = lvt_gemm_out(g, row, panel);
            s32x4 pairs[LVT_BLOCK / 2] = {0};
            for (size_t n = 0; n < g->segments; n++)
                accumulate(a + n * g->segment_stride, p->weights + n * k * LVT_BLOCK, k, pairs);
            for (size_t column = 0; column < LVT_BLOCK; column++) {
                const s32x4 *pair = &pairs[column / 2];
                const int32_t acc =
                    p->bias[column] + (*pair)[column % 2 * 2] + (*pair)[column % 2 * 2 + 1];
                if (g->output == LVT_OUTPUT_S32) {
                    ((int32_t *)out)[column] = acc;
                    continue;
                }
                float v = (float)acc * p->multiplier[column];
                const void *residual = lvt_gemm_residual(g, row, panel);
                if (residual) {
                    if (g->is_residual_behind_relu)
                        v = v > 0 ? v : 0;
                    const int32_t r = g->output == LVT_OUTPUT_S16
                                          ? ((const int16_t *)residual)[column]
                                          : ((const int8_t *)residual)[column];
                    const float addend =
                        (float)(r - g->residual_zero_point) * g->residual_multiplier;
                    v = v + addend;
                }
                if (g->output == LVT_OUTPUT_S16) {
                    ((int16_t *)out)[column] =
                        (int16_t)lvt_clamp(lvt_round_to_even(v), INT16_MIN, INT16_MAX);
                    continue;
                }
                const int32_t q = g->out_zero_point + lvt_round_to_even(v);
                ((int8_t *)out)[column] = (int8_t)lvt_clamp(q, g->out_lo, 127);
            }
        }
    }
}
