// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, one head of one position at a time. Shared by NEON and the NEON dot product,
// but for the products of query and keys. Sums are exact integers.
#pragma once
#include "neon/attention.h"

/// Adds the products of a query's channels with those of each neighbour, in any lanes.
LVT_INLINE void lvt_add_key_products(int32x4_t sums[LVT_NEIGHBOURS],
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim);

LVT_INLINE int32_t lvt_dilated_weigh(const lvt_dilated_attention_args *a,
                                     const int8_t *q,
                                     const lvt_neighbour_rows k,
                                     const size_t head_dim,
                                     int16_t weights[16]) {
    const int32x4_t zero = vdupq_n_s32(0);
    int32x4_t s[LVT_NEIGHBOURS];
    LVT_UNROLL for (size_t i = 0; i < LVT_NEIGHBOURS; i++) s[i] = zero;
    lvt_add_key_products(s, q, k, head_dim);
    const int32x4_t sums[3] = {
        vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])),
        vpaddq_s32(vpaddq_s32(s[4], s[5]), vpaddq_s32(s[6], s[7])),
        vdupq_n_s32(vaddvq_s32(s[8])),
    };
    int32x4_t scores[3];
    LVT_UNROLL for (size_t i = 0; i < 3; i++) scores[i] =
        lvt_scores_x4(sums[i], vdupq_n_f32(a->score_multiplier));
    const int32x4_t greatest =
        vdupq_n_s32(vmaxvq_s32(vmaxq_s32(vmaxq_s32(scores[0], scores[1]), scores[2])));
    const int16x8_t reach = vdupq_n_s16(LVT_WEIGHT_REACH);
    const int16x8_t w = lvt_weights_x8(
        lvt_distances_x8(vsubq_s32(greatest, scores[0]), vsubq_s32(greatest, scores[1]), reach));
    const int32x4_t last = vsubq_s32(greatest, scores[2]);
    const int16x8_t lasts = lvt_weights_x8(lvt_distances_x8(last, last, reach));
    vst1q_s16(weights, w);
    vst1q_s16(weights + 8, vsetq_lane_s16(vgetq_lane_s16(lasts, 0), vdupq_n_s16(0), 0));
    return vaddlvq_s16(w) + vgetq_lane_s16(lasts, 0);
}

/// Adds the weighted values of neighbour i.
#define ADD_VALUES(i, weights, lane)                                                               \
    do {                                                                                           \
        const int16x8_t values = lvt_load_s16x8(v[i] + c, n);                                      \
        lo = vmlal_laneq_s16(lo, vget_low_s16(values), weights, lane);                             \
        hi = vmlal_high_laneq_s16(hi, values, weights, lane);                                      \
    } while (0)

LVT_INLINE void lvt_dilated_add_values(const lvt_dilated_attention_args *a,
                                       const lvt_neighbour_rows v,
                                       const int16_t weights[16],
                                       float multiplier,
                                       const size_t head_dim,
                                       int8_t *out) {
    const int16x8_t w = vld1q_s16(weights), last = vld1q_s16(weights + 8);
    const float32x4_t m = vdupq_n_f32(multiplier);
    for (size_t c = 0; c < head_dim; c += 8) {
        const size_t n = head_dim - c;
        int32x4_t lo = vdupq_n_s32(0), hi = lo;
        ADD_VALUES(0, w, 0);
        ADD_VALUES(1, w, 1);
        ADD_VALUES(2, w, 2);
        ADD_VALUES(3, w, 3);
        ADD_VALUES(4, w, 4);
        ADD_VALUES(5, w, 5);
        ADD_VALUES(6, w, 6);
        ADD_VALUES(7, w, 7);
        ADD_VALUES(8, last, 0);
        lvt_store_x8(lvt_means_x4(lo, m), lvt_means_x4(hi, m), a->out_zero_point, out + c, n);
    }
}
#undef ADD_VALUES
