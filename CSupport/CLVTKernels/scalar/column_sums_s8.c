// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

void lvt_column_sums_s8__scalar(
    const int8_t *in, size_t stride, size_t rows, size_t channels, int32_t *sums) {
    for (size_t c = 0; c < channels; c++)
        sums[c] = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < channels; c++)
            sums[c] += in[i * stride + c];
}
