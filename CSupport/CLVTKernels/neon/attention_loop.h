// SPDX-License-Identifier: Apache-2.0
//
// What attention_s8 of NEON and of the NEON dot product share: all but the products and their
// operands. The including file defines LVT_KEY_BYTES before, and the functions that are declared
// here or in internal/attention_scores.h without a body.
#pragma once
#include "neon/attention.h"

typedef int32x4x2_t lvt_s32xn;
enum { LVT_LANES = 8, LVT_AT_ONCE = 1, LVT_QUERIES_AT_ONCE = LVT_ATTENTION_QUERIES };
#include "internal/attention_scores.h"

/// Stores sixteen factors of values in the products' order.
LVT_INLINE void lvt_store_factors(int16_t *out, int16x8_t first, int16x8_t second);

LVT_INLINE void lvt_store_scores(int32_t *out, int32x4x2_t sums, float multiplier) {
    const float32x4_t m = vdupq_n_f32(multiplier);
    vst1q_s32(out, lvt_scores_x4(sums.val[0], m));
    vst1q_s32(out + 4, lvt_scores_x4(sums.val[1], m));
}

LVT_INLINE void
lvt_softmax(const lvt_head *h, int32_t shift, int32_t sums[LVT_QUERIES_AT_ONCE], const size_t n) {
    const int16x8_t reach = vdupq_n_s16((int16_t)(LVT_WEIGHT_REACH + (shift << 10)));
    for (size_t query = 0; query < n; query++) {
        const int32_t *scores = h->scores + query * h->tokens;
        int16_t *weights = h->weights + query * h->weight_stride;
        int32x4_t greatest[4];
        LVT_UNROLL for (size_t j = 0; j < 4; j++) greatest[j] = vld1q_s32(scores + 4 * j);
        for (size_t i = 16; i < h->tokens; i += 16)
            LVT_UNROLL for (size_t j = 0; j < 4; j++) greatest[j] =
                vmaxq_s32(greatest[j], vld1q_s32(scores + i + 4 * j));
        const int32_t most = vmaxvq_s32(
            vmaxq_s32(vmaxq_s32(greatest[0], greatest[1]), vmaxq_s32(greatest[2], greatest[3])));
        const int32x4_t top = vdupq_n_s32(most + (shift << 10));
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t i = 0; i < h->tokens; i += 16) {
            int16x8_t w[2];
            LVT_UNROLL for (size_t j = 0; j < 2; j++) {
                const int32x4x2_t s = vld1q_s32_x2(scores + i + 8 * j);
                w[j] = lvt_weights_x8(
                    lvt_distances_x8(vsubq_s32(top, s.val[0]), vsubq_s32(top, s.val[1]), reach));
                sum = vpadalq_s16(sum, w[j]);
            }
            lvt_store_factors(weights + i, w[0], w[1]);
        }
        sums[query] = vaddvq_s32(sum);
    }
}

LVT_INLINE lvt_key_sums lvt_rectify(const lvt_head *h, int32_t *scores, int16_t *weights) {
    const int32x4_t zero = vdupq_n_s32(0), most = vdupq_n_s32(INT16_MAX);
    const uint32x4_t one = vdupq_n_u32(1);
    const int32x4_t masked = vdupq_n_s32(LVT_ATTENTION_MASKED);
    int32x4_t sums = zero;
    uint32x4_t visible = vdupq_n_u32(0);
    uint64x2_t squares = vdupq_n_u64(0);
    int16_t *ones = (int16_t *)scores;
    for (size_t i = 0; i < h->tokens; i += 16) {
        int16x4_t narrow[4], seen[4];
        LVT_UNROLL for (size_t j = 0; j < 4; j++) {
            const int32x4_t t = vld1q_s32(scores + i + 4 * j);
            const uint32x4_t mask = vbicq_u32(one, vceqq_s32(t, masked));
            const int32x4_t r = vminq_s32(vmaxq_s32(t, zero), most);
            visible = vaddq_u32(visible, mask);
            sums = vaddq_s32(sums, r);
            narrow[j] = vmovn_s32(r);
            seen[j] = vreinterpret_s16_u16(vmovn_u32(mask));
            squares = vpadalq_u32(squares, vreinterpretq_u32_s32(vmull_s16(narrow[j], narrow[j])));
        }
        lvt_store_factors(
            weights + i, vcombine_s16(narrow[0], narrow[1]), vcombine_s16(narrow[2], narrow[3]));
        lvt_store_factors(ones + i, vcombine_s16(seen[0], seen[1]), vcombine_s16(seen[2], seen[3]));
    }
    return (lvt_key_sums){
        (int32_t)vaddvq_u32(visible), vaddvq_s32(sums), (int64_t)vaddvq_u64(squares)};
}

LVT_INLINE int32x4x2_t lvt_means(const lvt_query *q, int32x4x2_t sums) {
    const float32x4_t m = vdupq_n_f32(q->factor);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) sums.val[i] = lvt_means_x4(sums.val[i], m);
    return sums;
}

LVT_INLINE int32x4x2_t lvt_normalized_means(const lvt_query *q,
                                            int32x4x2_t sums,
                                            int32x4x2_t values) {
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const int32x4_t v = values.val[i];
        const float32x4_t weighted = vmulq_n_f32(
            lvt_centred_x4(q->s.keys, sums.val[i], vdupq_n_s32(q->s.sum), v), q->factor);
        sums.val[i] = lvt_round_x4(vaddq_f32(weighted, vmulq_n_f32(vcvtq_f32_s32(v), q->shift)));
    }
    return sums;
}

LVT_INLINE void lvt_store_means(const lvt_attention_args *a,
                                const int32x4x2_t means[LVT_AT_ONCE],
                                int8_t *out,
                                size_t n,
                                const size_t columns) {
    (void)columns; // 8
    lvt_store_x8(means->val[0], means->val[1], a->out_zero_point, out, n);
}
