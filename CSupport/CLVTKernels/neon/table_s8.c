// SPDX-License-Identifier: Apache-2.0
//
// 256-entry table lookup by TBL and TBX of 64 entries, 16 bytes at a time. NEON.
// An index outside 0 ... 63 leaves TBX's destination as it was.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

void lvt_table_s8__neon(const int8_t *in, int8_t *out, size_t count, const int8_t *table) {
    int8x16x4_t quarter[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) quarter[i] = vld1q_s8_x4(table + 64 * i);
    const uint8x16_t sixty_four = vdupq_n_u8(64);
    for (size_t i = 0; i < count; i += 16) {
        uint8x16_t index = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(in + i)), vdupq_n_u8(0x80));
        int8x16_t result = vqtbl4q_s8(quarter[0], index);
        LVT_UNROLL for (size_t j = 1; j < 4; j++) {
            index = vsubq_u8(index, sixty_four);
            result = vqtbx4q_s8(result, quarter[j], index);
        }
        vst1q_s8(out + i, result);
    }
}
#endif
