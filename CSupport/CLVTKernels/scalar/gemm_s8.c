// SPDX-License-Identifier: Apache-2.0
//
// Matrix product, the definition. See lvt_gemm_args for shapes and ranges.
#include "internal/gemm.h"
#include "internal/kernels.h"
#include "internal/requantize.h"
#include <string.h>

/// A segment, sixteen columns side by side, which compilers make fast: planners run whole networks
/// with this.
static void accumulate(const int8_t *a, const int8_t *w, size_t k, int32_t acc[LVT_BLOCK]) {
    size_t i = 0;
    for (; i + 4 <= k; i += 4, w += 4 * LVT_BLOCK)
        for (size_t c = 0; c < LVT_BLOCK; c++)
            acc[c] += a[i] * w[4 * c] + a[i + 1] * w[4 * c + 1] + a[i + 2] * w[4 * c + 2] +
                      a[i + 3] * w[4 * c + 3];
    for (size_t rest = 0; i < k; i++, rest++)
        for (size_t c = 0; c < LVT_BLOCK; c++)
            acc[c] += a[i] * w[4 * c + rest];
}

void lvt_gemm_s8__scalar(const lvt_gemm_args *g) {
    const size_t k = g->k / g->segments;
    for (size_t row = 0; row < g->rows; row++) {
        const int8_t *a =
            g->a + row / g->line_rows * g->line_stride + row % g->line_rows * g->a_stride;
        for (size_t panel = 0; panel < g->panel_count; panel++) {
            const lvt_panel *p = lvt_gemm_panel(g, panel);
            void *out = lvt_gemm_out(g, row, panel);
            int32_t sums[LVT_BLOCK];
            memcpy(sums, p->bias, sizeof p->bias);
            for (size_t s = 0; s < g->segments; s++)
                accumulate(a + s * g->segment_stride, p->weights + s * k * LVT_BLOCK, k, sums);
            for (size_t column = 0; column < LVT_BLOCK; column++) {
                const int32_t acc = sums[column];
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
                ((int8_t *)out)[column] = (int8_t)lvt_clamp(q, g->out_lo, g->out_hi);
            }
        }
    }
}
