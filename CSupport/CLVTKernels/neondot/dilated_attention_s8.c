// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, NEON dot product: SDOT multiplies sixteen channels of a query with a key's.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#include "neon/dilated_attention.h"

LVT_INLINE void lvt_add_key_products(int32x4_t sums[LVT_NEIGHBOURS],
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim) {
    for (size_t c = 0; c < head_dim; c += 16) {
        const size_t n = head_dim - c;
        const int8x16_t query = lvt_load_s8x16(q + c, n);
        LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) sums[i] =
            vdotq_s32(sums[i], query, lvt_load_s8x16(k[i] + c, n));
    }
}

void lvt_dilated_attention_s8__neondot(const lvt_dilated_attention_args *a) {
    lvt_dilated_run_usual(a, lvt_dilated_weigh, lvt_dilated_add_values);
}

LVT_TARGET_END
#endif
