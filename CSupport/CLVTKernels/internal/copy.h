// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "internal/target_region.h"
#include <stdint.h>
#include <string.h>

/// memcpy without a call: 16 bytes at a time, the last ones once more.
LVT_INLINE void lvt_copy_bytes(int8_t *out, const int8_t *in, size_t count) {
    if (count < 16) {
        for (size_t i = 0; i < count; i++)
            out[i] = in[i];
        return;
    }
    for (size_t i = 0; i + 16 <= count; i += 16)
        memcpy(out + i, in + i, 16);
    memcpy(out + count - 16, in + count - 16, 16);
}
