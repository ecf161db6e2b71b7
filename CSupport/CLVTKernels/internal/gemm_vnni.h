// SPDX-License-Identifier: Apache-2.0
//
// VPDPBUSD multiplies unsigned with signed bytes. Rows are therefore packed with 128 added, and the
// accumulators start at bias - 128 * column_sum: sum((a + 128) * w) - 128 * sum(w) = sum(a * w).
#pragma once
#include "internal/gemm.h"
#include <string.h>

/// Copies runs with the sign bit flipped; the compiler widens the loop.
LVT_INLINE void lvt_pack_rows_biased(const lvt_gemm_args *g) {
    const lvt_runs runs = lvt_gemm_runs(g, 1);
    uint8_t *out = g->scratch;
    for (size_t r = 0; r < runs.count; r++, out += runs.bytes) {
        const int8_t *in = runs.first + r * runs.stride;
        for (size_t i = 0; i < runs.bytes; i += 4) {
            uint32_t four;
            memcpy(&four, in + i, 4);
            four ^= 0x80808080u;
            memcpy(out + i, &four, 4);
        }
    }
}
