// SPDX-License-Identifier: Apache-2.0
//
// A row of a region's cells, 16 channels at a time. NEON.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>

/// Sums of 16 channels.
typedef struct {
    int32x4_t of[4];
} sums;

LVT_INLINE sums start(int32_t value) {
    const int32x4_t v = vdupq_n_s32(value);
    return (sums){{v, v, v, v}};
}

/// Adds a row or a column with its weight.
LVT_INLINE void add(sums *s, const int16x8_t low, const int16x8_t high, int16_t weight) {
    s->of[0] = vmlal_n_s16(s->of[0], vget_low_s16(low), weight);
    s->of[1] = vmlal_high_n_s16(s->of[1], low, weight);
    s->of[2] = vmlal_n_s16(s->of[2], vget_low_s16(high), weight);
    s->of[3] = vmlal_high_n_s16(s->of[3], high, weight);
}

static void mix_rows(const lvt_region_row_args *r) {
    for (size_t i = 0; i < r->width * r->pitch; i += 16) {
        const int8_t *in = r->in + i;
        sums s = start(r->zero_point * r->row_rest);
        for (size_t row = 0; row < r->rows; row++, in += r->row_stride) {
            const int8x16_t q = vld1q_s8(in);
            add(&s, vmovl_s8(vget_low_s8(q)), vmovl_high_s8(q), r->row_weights[row]);
        }
        vst1q_s16(r->scratch + i, vrshrn_high_n_s32(vrshrn_n_s32(s.of[0], 7), s.of[1], 7));
        vst1q_s16(r->scratch + i + 8, vrshrn_high_n_s32(vrshrn_n_s32(s.of[2], 7), s.of[3], 7));
    }
}

LVT_INLINE int16x8_t rounded(const int32x4_t low, const int32x4_t high) {
    return vmovn_high_s32(vmovn_s32(vrshrq_n_s32(low, 21)), vrshrq_n_s32(high, 21));
}

void lvt_region_row_s8__neon(const lvt_region_row_args *r) {
    mix_rows(r);
    for (size_t cell = 0; cell < r->cell_count; cell++) {
        const lvt_region_cell *from = r->cells + cell;
        const int16_t *weights = r->column_weights + from->weights;
        for (size_t c = 0; c < r->pitch; c += 16) {
            const int16_t *v = r->scratch + (size_t)from->first * r->pitch + c;
            sums s = start(r->zero_point * from->rest * (1 << 7));
            for (int32_t x = 0; x < from->count; x++, v += r->pitch)
                add(&s, vld1q_s16(v), vld1q_s16(v + 8), weights[x]);
            vst1q_s8(
                r->out + cell * r->pitch + c,
                vqmovn_high_s16(vqmovn_s16(rounded(s.of[0], s.of[1])), rounded(s.of[2], s.of[3])));
        }
    }
}
#endif
