// SPDX-License-Identifier: Apache-2.0
//
// LayerNorm with integer sums, the definition. The formula is at lvt_layernorm_args.
#include "internal/kernels.h"
#include "internal/requantize.h"
#include <math.h>

static inline int32_t load(const lvt_layernorm_args *l, const void *row, size_t c) {
    return l->in_is_s16 ? ((const int16_t *)row)[c] : ((const int8_t *)row)[c];
}

void lvt_layernorm__scalar(const lvt_layernorm_args *l) {
    const int32_t n = (int32_t)l->channels;
    const size_t pitch = (l->channels + LVT_BLOCK - 1) / LVT_BLOCK * LVT_BLOCK;
    for (size_t i = 0; i < l->rows; i++) {
        const char *row = (const char *)l->in + i * l->in_stride;
        int32_t sum = 0;
        int64_t squares = 0;
        for (size_t c = 0; c < l->channels; c++) {
            const int32_t q = load(l, row, c);
            sum += q;
            squares += (int64_t)q * q;
        }
        const float spread = (float)(n * squares - (int64_t)sum * sum) * l->inv_n2;
        const float k = (1.0f / sqrtf(spread + l->epsilon)) * l->inv_n;
        char *out = (char *)l->out + i * l->out_stride;
        for (size_t c = 0; c < pitch; c++) {
            const int32_t q = c < l->channels ? load(l, row, c) : 0;
            const float scaled = ((float)(n * q - sum) * k) * l->gamma[c];
            const float v = scaled + l->beta[c];
            const int32_t rounded = l->out_zero_point + lvt_round_to_even(v);
            if (l->out_is_s16)
                ((int16_t *)out)[c] = (int16_t)lvt_clamp(rounded, INT16_MIN, INT16_MAX);
            else
                ((int8_t *)out)[c] = (int8_t)lvt_clamp(rounded, INT8_MIN, INT8_MAX);
        }
    }
}
