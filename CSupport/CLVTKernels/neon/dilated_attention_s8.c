// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention on int16. NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/dilated_attention.h"

LVT_INLINE void lvt_add_key_products(int32x4_t sums[LVT_NEIGHBOURS],
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim) {
    for (size_t c = 0; c < head_dim; c += 8) {
        const size_t n = head_dim - c;
        const int16x8_t query = lvt_load_s16x8(q + c, n);
        LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
            const int16x8_t key = lvt_load_s16x8(k[i] + c, n);
            sums[i] = vmlal_s16(sums[i], vget_low_s16(query), vget_low_s16(key));
            sums[i] = vmlal_high_s16(sums[i], query, key);
        }
    }
}

void lvt_dilated_attention_s8__neon(const lvt_dilated_attention_args *a) {
    lvt_dilated_run_usual(a, lvt_dilated_weigh, lvt_dilated_add_values);
}
#endif
