// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along rows and across rows. NEON: TBL widens bytes to the lanes of MLA, four at
// once. Sums may wrap around in between, the result does not.
#include "internal/kernels.h"
#if defined(__aarch64__)
#include "neon/resample_u8.h"

static const int32_t half = 1 << (LVT_WEIGHT_SHIFT - 1);

/// The first `count` means of `rows` rows, one or two, from `row` on.
LVT_INLINE void means(const lvt_resample_row_args *a,
                      size_t row,
                      const size_t rows,
                      size_t count,
                      const size_t groups) {
    uint8x16_t order[4]; // of a group's pixels
    LVT_UNROLL for (size_t i = 0; i < 4; i++) order[i] = lvt_spread((uint8_t)(3 * i), 3);
    const uint8_t *in = a->in + row * a->in_stride;
    uint8_t *out = a->out + row * a->out_stride;
    const uint32_t *first = a->first;
    const lvt_resample_weights *w = a->weights;
    const size_t in_stride = a->in_stride, out_stride = a->out_stride;
    for (; count > 0; count--, w += groups, out += 3) {
        const uint8_t *from = in + 3 * (size_t)*first++;
        int32x4_t sum[2] = {vdupq_n_s32(half), vdupq_n_s32(half)};
        for (size_t g = 0; g < groups; g++) {
            const int32x4_t weights = vld1q_s32(w[g].whole);
            LVT_UNROLL for (size_t r = 0; r < rows; r++) {
                const uint8x16_t bytes = vld1q_u8(from + r * in_stride + 12 * g);
                sum[r] = vmlaq_laneq_s32(sum[r], lvt_lanes(bytes, order[0]), weights, 0);
                sum[r] = vmlaq_laneq_s32(sum[r], lvt_lanes(bytes, order[1]), weights, 1);
                sum[r] = vmlaq_laneq_s32(sum[r], lvt_lanes(bytes, order[2]), weights, 2);
                sum[r] = vmlaq_laneq_s32(sum[r], lvt_lanes(bytes, order[3]), weights, 3);
            }
        }
        lvt_store_means(out, out_stride, lvt_rounded(sum[0], sum[1]), rows);
    }
}

/// Constants make straight code of the loop over the taps.
LVT_INLINE void
some_means(const lvt_resample_row_args *a, size_t row, const size_t rows, size_t count) {
    const size_t groups = (a->taps + 3) / 4;
    switch (groups) {
    case 1: means(a, row, rows, count, 1); break;
    case 2: means(a, row, rows, count, 2); break;
    case 3: means(a, row, rows, count, 3); break;
    case 4: means(a, row, rows, count, 4); break;
    default: means(a, row, rows, count, groups); break;
    }
}

static void lvt_resample_row_u8__neon_means(const lvt_resample_row_args *a,
                                            size_t row,
                                            size_t rows,
                                            size_t count) {
    if (rows == 2)
        some_means(a, row, 2, count);
    else
        some_means(a, row, 1, count);
}

void lvt_resample_row_u8__neon(const lvt_resample_row_args *a) {
    lvt_resample_row(a, lvt_resample_row_u8__neon_means);
}

void lvt_resample_rows_u8__neon(const lvt_resample_rows_args *a) {
    size_t x = 0;
    for (; x + 16 <= a->count; x += 16) {
        int32x4_t sum[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) sum[i] = vdupq_n_s32(half);
        for (size_t t = 0; t < a->taps; t++)
            lvt_add_row(a, t, x, sum);
        vst1q_u8(a->out + x, vcombine_u8(lvt_rounded(sum[0], sum[1]), lvt_rounded(sum[2], sum[3])));
    }
    lvt_resample_rows_from(a, x);
}
#endif
