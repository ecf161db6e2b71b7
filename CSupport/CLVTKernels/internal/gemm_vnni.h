// SPDX-License-Identifier: Apache-2.0
//
// VPDPBUSD multiplies unsigned with signed bytes. Rows are therefore packed with 128 added, and the
// accumulators start at bias - 128 * column_sum: sum((a + 128) * w) - 128 * sum(w) = sum(a * w).
#pragma once
#include "internal/gemm.h"
#include <string.h>

/// Copies rows with the sign bit flipped, k rounded up to 4; the compiler widens the loop.
LVT_INLINE void lvt_pack_rows_biased(const lvt_gemm_args *g) {
    const size_t k = (g->k + 3) / 4 * 4;
    uint8_t *out = g->scratch;
    for (size_t r = 0; r < g->rows; r++, out += k) {
        const int8_t *in = g->a + r * g->a_stride;
        for (size_t i = 0; i < k; i += 4) {
            uint32_t four;
            memcpy(&four, in + i, 4);
            four ^= 0x80808080u;
            memcpy(out + i, &four, 4);
        }
    }
}
