// SPDX-License-Identifier: Apache-2.0
//
// Panels of depth-wise filters made at run time, the definition. See lvt_pack_dwconv_args.
#include "internal/dwconv.h"
#include "internal/kernels.h"
#include "internal/requantize.h"
#include <float.h>
#include <math.h>
#include <string.h>

static inline float larger(float a, float b) {
    return a > b ? a : b;
}

void lvt_pack_dwconv_f32__scalar(const lvt_pack_dwconv_args *d) {
    const size_t taps = d->kernel * d->kernel, padded = lvt_dwconv_groups(d->kernel) * 4;
    memset(d->panel, 0, lvt_panel_bytes(lvt_dwconv_panel_k(d->kernel)));
    for (size_t c = 0; c < LVT_BLOCK; c++) {
        float greatest = 0;
        for (size_t tap = 0; tap < taps; tap++)
            greatest = larger(greatest, fabsf(d->weights[tap * LVT_BLOCK + c]));
        const float bias_scale = (fabsf(d->bias[c]) / d->in_scale) * 0x1p-28f;
        const float s = larger(larger(greatest / 127.0f, bias_scale), FLT_MIN);
        const float unit = larger(d->in_scale * s, FLT_MIN);
        int32_t sum = 0;
        for (size_t tap = 0; tap < taps; tap++) {
            const float w = d->weights[tap * LVT_BLOCK + c] / s;
            const int32_t q = lvt_clamp(lvt_round_to_even(w), -127, 127);
            const size_t k = tap / d->kernel * padded + tap % d->kernel;
            d->panel->weights[(k / 4 * LVT_BLOCK + c) * 4 + k % 4] = (int8_t)q;
            sum += q;
        }
        float bias = d->bias[c] / unit;
        bias = bias < -0x1p30f ? -0x1p30f : bias;
        bias = bias > 0x1p30f ? 0x1p30f : bias;
        const float multiplier = unit / d->out_scale;
        d->panel->column_sum[c] = sum;
        d->panel->bias[c] = (int32_t)rintf(bias) - d->in_zero_point * sum;
        d->panel->multiplier[c] = multiplier > 0.5f ? 0.5f : multiplier;
    }
}
