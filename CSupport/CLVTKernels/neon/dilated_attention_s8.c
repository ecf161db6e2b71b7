// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, one head of one position at a time, on int16. NEON. Sums are exact integers.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/attention.h"

LVT_INLINE int32_t weigh(const lvt_dilated_attention_args *a,
                         const int8_t *q,
                         const lvt_neighbour_rows k,
                         int16_t weights[16]) {
    int32x4_t sums[12];
    LVT_UNROLL for (size_t i = 0; i < 12; i++) sums[i] = vdupq_n_s32(0);
    for (size_t c = 0; c < a->head_dim; c += 8) {
        const size_t n = a->head_dim - c;
        const int16x8_t query = lvt_load_s16x8(q + c, n);
        LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
            const int16x8_t key = lvt_load_s16x8(k[i] + c, n);
            sums[i] = vmlal_s16(sums[i], vget_low_s16(query), vget_low_s16(key));
            sums[i] = vmlal_high_s16(sums[i], query, key);
        }
    }
    int32x4_t scores[3];
    LVT_UNROLL for (size_t i = 0; i < 3; i++) scores[i] =
        lvt_scores_x4(vpaddq_s32(vpaddq_s32(sums[4 * i], sums[4 * i + 1]),
                                 vpaddq_s32(sums[4 * i + 2], sums[4 * i + 3])),
                      vdupq_n_f32(a->score_multiplier));
    const int32x4_t masked = vdupq_n_s32(LVT_ATTENTION_MASKED);
    scores[2] = vsetq_lane_s32(vgetq_lane_s32(scores[2], 0), masked, 0);
    const int32x4_t greatest =
        vdupq_n_s32(vmaxvq_s32(vmaxq_s32(vmaxq_s32(scores[0], scores[1]), scores[2])));
    const int16x8_t reach = vdupq_n_s16(LVT_WEIGHT_REACH);
    const int16x8_t w0 = lvt_weights_x8(
        lvt_distances_x8(vsubq_s32(greatest, scores[0]), vsubq_s32(greatest, scores[1]), reach));
    const int16x8_t w1 = lvt_weights_x8(
        lvt_distances_x8(vsubq_s32(greatest, scores[2]), vsubq_s32(greatest, masked), reach));
    vst1q_s16(weights, w0);
    vst1q_s16(weights + 8, w1);
    return vaddlvq_s16(w0) + vaddlvq_s16(w1);
}

LVT_INLINE void add_values(const lvt_dilated_attention_args *a,
                           const lvt_neighbour_rows v,
                           const int16_t weights[16],
                           float multiplier,
                           int8_t *out) {
    for (size_t c = 0; c < a->head_dim; c += 8) {
        const size_t n = a->head_dim - c;
        int32x4_t lo = vdupq_n_s32(0), hi = vdupq_n_s32(0);
        LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) {
            const int16x8_t values = lvt_load_s16x8(v[i] + c, n);
            lo = vmlal_n_s16(lo, vget_low_s16(values), weights[i]);
            hi = vmlal_high_n_s16(hi, values, weights[i]);
        }
        const float32x4_t m = vdupq_n_f32(multiplier);
        lvt_store_x8(lvt_means_x4(lo, m), lvt_means_x4(hi, m), a->out_zero_point, out + c, n);
    }
}

void lvt_dilated_attention_s8__neon(const lvt_dilated_attention_args *a) {
    lvt_dilated_run(a, weigh, add_values);
}
#endif
