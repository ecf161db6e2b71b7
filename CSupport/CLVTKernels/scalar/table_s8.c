// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

void lvt_table_s8__scalar(const int8_t *in, int8_t *out, size_t count, const int8_t *table) {
    for (size_t i = 0; i < count; i++)
        out[i] = table[in[i] + 128];
}
