// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along a row and across rows, the definitions. The formula is at
// lvt_resample_row_args.
#include "internal/kernels.h"
#include "internal/picture.h"

static const int32_t half = 1 << (LVT_WEIGHT_SHIFT - 1);

void lvt_resample_row_u8__scalar(const lvt_resample_row_args *a) {
    const size_t groups = (a->taps + 3) / 4;
    for (size_t row = 0; row < a->rows; row++) {
        uint8_t *out = a->out + row * a->out_stride;
        for (size_t i = 0; i < a->count; i++, out += 3) {
            const lvt_resample_weights *weights = a->weights + i * groups;
            const uint8_t *pixel = a->in + row * a->in_stride + 3 * (size_t)a->first[i];
            int32_t sum[3] = {half, half, half};
            for (size_t t = 0; t < a->taps; t++, pixel += 3) {
                const int32_t weight = lvt_resample_weight(weights, t);
                for (size_t c = 0; c < 3; c++)
                    sum[c] += pixel[c] * weight;
            }
            for (size_t c = 0; c < 3; c++)
                out[c] = lvt_clamp_u8(sum[c] >> LVT_WEIGHT_SHIFT);
        }
    }
}

void lvt_resample_rows_u8__scalar(const lvt_resample_rows_args *a) {
    lvt_resample_rows_from(a, 0);
}
