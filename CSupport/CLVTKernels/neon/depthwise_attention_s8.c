// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise attention, one position at a time, eight channels at once: a lane is a channel, so
// nothing is summed across lanes. NEON. Sums are exact, so their order does not matter.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/attention.h"

/// Sums over neighbours; where there are two vectors, of four channels each.
typedef struct {
    int32x4_t weights[2], weighted[2];
    uint64x2_t squares[4]; ///< Of the weights, two channels each.
    int16x8_t values;      ///< 225 * 128 < 2^15
} sums_t;

/// Adds a neighbour, and its weights' squares to 32 bits.
LVT_INLINE void add(const lvt_depthwise_attention_args *a,
                    const lvt_depthwise_neighbours *near,
                    int16x8_t q,
                    size_t i,
                    size_t c,
                    sums_t *s,
                    uint32x4_t squares[2]) {
    const int16x8_t k = vmovl_s8(vld1_s8(near->k[i] + c)), v = vmovl_s8(vld1_s8(near->v[i] + c));
    const int16x8_t t = vqaddq_s16(vmulq_s16(q, k), vld1q_s16(a->bias + i * a->channels + c));
    const int16x8_t r = vmaxq_s16(t, vdupq_n_s16(0));
    const uint16x8_t u = vreinterpretq_u16_s16(r);
    s->values = vaddq_s16(s->values, v);
    s->weights[0] = vaddw_s16(s->weights[0], vget_low_s16(r));
    s->weights[1] = vaddw_high_s16(s->weights[1], r);
    s->weighted[0] = vmlal_s16(s->weighted[0], vget_low_s16(r), vget_low_s16(v));
    s->weighted[1] = vmlal_high_s16(s->weighted[1], r, v);
    squares[0] = vmlal_u16(squares[0], vget_low_u16(u), vget_low_u16(u));
    squares[1] = vmlal_high_u16(squares[1], u, u);
}

LVT_INLINE sums_t sum_neighbours(const lvt_depthwise_attention_args *a,
                                 const lvt_depthwise_neighbours *near,
                                 const int8_t *query,
                                 size_t c) {
    const int16x8_t q = vmovl_s8(vld1_s8(query + c));
    const int32x4_t zero = vdupq_n_s32(0);
    sums_t s = {{zero, zero}, {zero, zero}, {vdupq_n_u64(0)}, vdupq_n_s16(0)};
    LVT_UNROLL for (size_t j = 0; j < 4; j++) s.squares[j] = vdupq_n_u64(0);
    const size_t last = a->kernel * a->kernel - 1; // an odd square minus one: a multiple of 4
    for (size_t i = 0; i <= last; i += 4) {
        uint32x4_t squares[2] = {vdupq_n_u32(0), vdupq_n_u32(0)};
        if (i < last) {
            // Four squares fit 32 bits without a sign.
            LVT_UNROLL for (size_t j = 0; j < 4; j++) add(a, near, q, i + j, c, &s, squares);
        } else {
            add(a, near, q, last, c, &s, squares);
        }
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            s.squares[2 * j] = vaddw_u32(s.squares[2 * j], vget_low_u32(squares[j]));
            s.squares[2 * j + 1] = vaddw_high_u32(s.squares[2 * j + 1], squares[j]);
        }
    }
    return s;
}

/// n * squares - sum * sum of two channels.
LVT_INLINE int64x2_t spread_x2(int64_t n, uint64x2_t squares, uint32x2_t sums) {
    // There is no product of 64 bits; the squares are less than 2^38, n is at most 225.
    const uint64x2_t low = vmull_n_u32(vmovn_u64(squares), (uint32_t)n);
    const uint64x2_t high = vmull_n_u32(vshrn_n_u64(squares, 32), (uint32_t)n);
    const uint64x2_t product = vaddq_u64(low, vshlq_n_u64(high, 32));
    return vreinterpretq_s64_u64(vsubq_u64(product, vmull_u32(sums, sums)));
}

/// LayerNorm of the weights and their sums with the values, for half `i` of sums_t.
LVT_INLINE int32x4_t normalize(const lvt_depthwise_attention_args *a,
                               const sums_t *s,
                               size_t c,
                               const size_t i) {
    const int32_t n = (int32_t)(a->kernel * a->kernel);
    const float inv_n = 1.0f / (float)n;
    const size_t first = c + 4 * i;
    const uint32x4_t sums = vreinterpretq_u32_s32(s->weights[i]);
    const float32x4_t spread =
        lvt_to_f32x4(spread_x2(n, s->squares[2 * i], vget_low_u32(sums)),
                     spread_x2(n, s->squares[2 * i + 1], vget_high_u32(sums)));
    const float32x4_t variance = vmulq_n_f32(spread, inv_n * inv_n);
    const float32x4_t root = vsqrtq_f32(vaddq_f32(variance, vld1q_f32(a->epsilon + first)));
    const float32x4_t k = vmulq_n_f32(vdivq_f32(vdupq_n_f32(1.0f), root), inv_n);
    const int32x4_t values = i ? vmovl_high_s16(s->values) : vmovl_s16(vget_low_s16(s->values));
    const float32x4_t weighted = vmulq_f32(lvt_centred_x4(n, s->weighted[i], s->weights[i], values),
                                           vmulq_f32(k, vld1q_f32(a->gamma + first)));
    return lvt_round_x4(
        vaddq_f32(weighted, vmulq_f32(vcvtq_f32_s32(values), vld1q_f32(a->beta + first))));
}

LVT_INLINE void layernorm(const lvt_depthwise_attention_args *a,
                          const lvt_depthwise_neighbours *near,
                          const int8_t *query,
                          int8_t *out) {
    for (size_t c = 0; c < a->channels; c += 8) {
        const sums_t s = sum_neighbours(a, near, query, c);
        lvt_store_x8(normalize(a, &s, c, 0), normalize(a, &s, c, 1), a->out_zero_point, out + c, 8);
    }
}

LVT_INLINE void softmax(const lvt_depthwise_attention_args *a,
                        const lvt_depthwise_neighbours *near,
                        const int8_t *query,
                        int8_t *out) {
    const size_t n = a->kernel * a->kernel;
    int32x4_t scores[LVT_MAXIMUM_NEIGHBOURS][2];
    for (size_t c = 0; c < a->channels; c += 8) {
        const int16x8_t q = vmovl_s8(vld1_s8(query + c));
        int32x4_t greatest[2], total[2], sums[2];
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            greatest[j] = vdupq_n_s32(LVT_ATTENTION_MASKED);
            total[j] = sums[j] = vdupq_n_s32(0);
        }
        for (size_t i = 0; i < n; i++) {
            const int16x8_t products = vmulq_s16(q, vmovl_s8(vld1_s8(near->k[i] + c)));
            const int16x8_t bias = vld1q_s16(a->bias + i * a->channels + c);
            LVT_UNROLL for (size_t j = 0; j < 2; j++) {
                const int32x4_t p =
                    j ? vmovl_high_s16(products) : vmovl_s16(vget_low_s16(products));
                const int32x4_t t = lvt_scores_x4(p, vld1q_f32(a->score_multiplier + c + 4 * j));
                scores[i][j] = vaddw_s16(t, j ? vget_high_s16(bias) : vget_low_s16(bias));
                greatest[j] = vmaxq_s32(greatest[j], scores[i][j]);
            }
        }
        const int16x8_t reach = vdupq_n_s16(LVT_WEIGHT_REACH);
        for (size_t i = 0; i < n; i++) {
            const int16x8_t w = lvt_weights_x8(lvt_distances_x8(
                vsubq_s32(greatest[0], scores[i][0]), vsubq_s32(greatest[1], scores[i][1]), reach));
            const int16x8_t v = vmovl_s8(vld1_s8(near->v[i] + c));
            total[0] = vaddw_s16(total[0], vget_low_s16(w));
            total[1] = vaddw_high_s16(total[1], w);
            sums[0] = vmlal_s16(sums[0], vget_low_s16(w), vget_low_s16(v));
            sums[1] = vmlal_high_s16(sums[1], w, v);
        }
        LVT_UNROLL for (size_t j = 0; j < 2; j++) {
            const float32x4_t m =
                vdivq_f32(vld1q_f32(a->out_multiplier + c + 4 * j), vcvtq_f32_s32(total[j]));
            sums[j] = lvt_means_x4(sums[j], m);
        }
        lvt_store_x8(sums[0], sums[1], a->out_zero_point, out + c, 8);
    }
}

void lvt_depthwise_softmax_s8__neon(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, softmax);
}

void lvt_depthwise_layernorm_s8__neon(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, layernorm);
}
#endif
