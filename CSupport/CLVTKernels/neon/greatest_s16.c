// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each position: the greatest value, then the first place that holds it.
// NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

/// Eight channels; those that pad the last block come last among equals.
LVT_INLINE int16x8_t channels_at(const lvt_greatest_args *g, const int16_t *v, size_t first) {
    static const uint16_t places[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const int16x8_t values = vld1q_s16(v + first);
    if (first + 8 <= g->channels)
        return values;
    const uint16x8_t is_padding =
        vcgeq_u16(vld1q_u16(places), vdupq_n_u16((uint16_t)(g->channels - first)));
    return vbslq_s16(is_padding, vdupq_n_s16(INT16_MIN), values);
}

void lvt_greatest_s16__neon(const lvt_greatest_args *g) {
    for (size_t i = 0; i < g->width; i++) {
        const int16_t *v = g->in + i * g->pitch;
        int16x8_t most = channels_at(g, v, 0);
        for (size_t c = 8; c < g->channels; c += 8)
            most = vmaxq_s16(most, channels_at(g, v, c));
        const int16x8_t greatest = vdupq_n_s16(vmaxvq_s16(most));
        for (size_t c = 0;; c += 8) {
            const uint8x8_t is_equal = vmovn_u16(vceqq_s16(channels_at(g, v, c), greatest));
            const uint64_t bytes = vget_lane_u64(vreinterpret_u64_u8(is_equal), 0);
            if (bytes) {
                g->out[i] = (uint8_t)(c + (size_t)__builtin_ctzll(bytes) / 8);
                break;
            }
        }
    }
}
#endif
