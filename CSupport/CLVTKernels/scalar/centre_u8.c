// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

void lvt_centre_u8__scalar(const uint8_t *in, int8_t *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = (int8_t)(in[i] ^ 0x80);
}
