// SPDX-License-Identifier: Apache-2.0
//
// Weighted means along rows and across rows. NEON dot product (UDOT), which multiplies bytes: a
// weight is three, or four if some are negative, and sums are modulo 2^32. From the highest bytes
// on, what there is moves by eight bits before the next ones are added.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include <arm_neon.h>
LVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#include "neon/resample_u8.h"

/// The half that rounds, added to the sums that move by 16 bits yet.
enum { HALF = 1 << (LVT_WEIGHT_SHIFT - 1 - 16) };

LVT_INLINE int32x4_t signed_sums(uint32x4_t sums) {
    return vreinterpretq_s32_u32(sums);
}

/// Puts a colour's bytes of four pixels into a lane.
LVT_INLINE uint8x16_t by_colours(const uint8_t *pixels) {
    static const uint8_t order[16] = {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 255, 255, 255, 255};
    return vqtbl1q_u8(vld1q_u8(pixels), vld1q_u8(order));
}

/// Adds products with byte `i` of the weights.
LVT_INLINE uint32x4_t add(uint32x4_t sums,
                          uint8x16_t pixels,
                          const lvt_resample_weights *w,
                          const size_t i) {
    const uint8x16_t weights = vld1q_u8(w->bytes[0]);
    switch (i) {
    case 0: return vdotq_laneq_u32(sums, pixels, weights, 0);
    case 1: return vdotq_laneq_u32(sums, pixels, weights, 1);
    case 2: return vdotq_laneq_u32(sums, pixels, weights, 2);
    default: return vdotq_laneq_u32(sums, pixels, weights, 3);
    }
}

/// The means of `rows` rows, one or two; `groups` of four taps.
LVT_INLINE void means(const lvt_resample_row_args *a,
                      size_t row,
                      const size_t rows,
                      size_t count,
                      const size_t groups,
                      const size_t bytes) {
    const uint8_t *in = a->in + row * a->in_stride;
    uint8_t *out = a->out + row * a->out_stride;
    const uint32_t *first = a->first;
    const lvt_resample_weights *w = a->weights;
    const size_t in_stride = a->in_stride, out_stride = a->out_stride;
    for (; count > 0; count--, w += groups, out += 3) {
        const uint8_t *from = in + 3 * (size_t)*first++;
        uint32x4_t sum[2] = {vdupq_n_u32(0), vdupq_n_u32(0)};
        LVT_UNROLL for (size_t i = bytes; i-- > 0;) {
            // The compiler keeps pixels and weights where the number of groups is known.
            LVT_UNROLL for (size_t r = 0; r < rows; r++) {
                if (i + 1 < bytes)
                    sum[r] = vshlq_n_u32(sum[r], 8);
                if (i == 2)
                    sum[r] = vaddq_u32(sum[r], vdupq_n_u32(HALF));
            }
            for (size_t g = 0; g < groups; g++) {
                LVT_UNROLL for (size_t r = 0; r < rows; r++) sum[r] =
                    add(sum[r], by_colours(from + r * in_stride + 12 * g), w + g, i);
            }
        }
        lvt_store_means(
            out, out_stride, lvt_rounded(signed_sums(sum[0]), signed_sums(sum[1])), rows);
    }
}

/// Constants make straight code of the loops.
LVT_INLINE void some_means(const lvt_resample_row_args *a,
                           size_t row,
                           const size_t rows,
                           size_t count,
                           const size_t bytes) {
    const size_t groups = (a->taps + 3) / 4;
    switch (groups) {
    case 1: means(a, row, rows, count, 1, bytes); break;
    case 2: means(a, row, rows, count, 2, bytes); break;
    case 3: means(a, row, rows, count, 3, bytes); break;
    case 4: means(a, row, rows, count, 4, bytes); break;
    case 5: means(a, row, rows, count, 5, bytes); break;
    case 6: means(a, row, rows, count, 6, bytes); break;
    case 7: means(a, row, rows, count, 7, bytes); break;
    default: means(a, row, rows, count, groups, bytes); break;
    }
}

static void lvt_resample_row_u8__neondot_means(const lvt_resample_row_args *a,
                                               size_t row,
                                               size_t rows,
                                               size_t count) {
    switch (2 * rows + a->has_negative) {
    case 2: some_means(a, row, 1, count, 3); break;
    case 3: some_means(a, row, 1, count, 4); break;
    case 4: some_means(a, row, 2, count, 3); break;
    case 5: some_means(a, row, 2, count, 4); break;
    }
}

void lvt_resample_row_u8__neondot(const lvt_resample_row_args *a) {
    lvt_resample_row(a, lvt_resample_row_u8__neondot_means);
}

/// Bytes x ... x + 15 of rows t ... t + 3: a lane of `taps` has a column.
LVT_INLINE void
columns_of(const lvt_resample_rows_args *a, size_t t, size_t x, uint8x16_t taps[4]) {
    uint8x16_t row[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) row[i] = vld1q_u8(a->rows[t + i] + x);
    const uint8x16x2_t first = vzipq_u8(row[0], row[1]), second = vzipq_u8(row[2], row[3]);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const uint16x8x2_t four =
            vzipq_u16(vreinterpretq_u16_u8(first.val[i]), vreinterpretq_u16_u8(second.val[i]));
        taps[2 * i] = vreinterpretq_u8_u16(four.val[0]);
        taps[2 * i + 1] = vreinterpretq_u8_u16(four.val[1]);
    }
}

/// Returns how many bytes are done.
LVT_INLINE size_t mean_rows(const lvt_resample_rows_args *a, const size_t bytes) {
    size_t x = 0;
    for (; x + 16 <= a->count; x += 16) {
        uint32x4_t sum[4][4]; // of a byte of the weights
        LVT_UNROLL for (size_t i = 0; i < bytes; i++) {
            LVT_UNROLL for (size_t j = 0; j < 4; j++) sum[i][j] = vdupq_n_u32(i == 2 ? HALF : 0);
        }
        size_t t = 0;
        for (; t + 4 <= a->taps; t += 4) {
            uint8x16_t taps[4];
            columns_of(a, t, x, taps);
            LVT_UNROLL for (size_t i = 0; i < bytes; i++) {
                LVT_UNROLL for (size_t j = 0; j < 4; j++) sum[i][j] =
                    add(sum[i][j], taps[j], a->weights + t / 4, i);
            }
        }
        LVT_UNROLL for (size_t i = bytes - 1; i > 0; i--) {
            LVT_UNROLL for (size_t j = 0; j < 4; j++) sum[i - 1][j] =
                vaddq_u32(sum[i - 1][j], vshlq_n_u32(sum[i][j], 8));
        }
        int32x4_t done[4];
        LVT_UNROLL for (size_t j = 0; j < 4; j++) done[j] = signed_sums(sum[0][j]);
        // Fewer than four rows are faster one by one.
        for (; t < a->taps; t++)
            lvt_add_row(a, t, x, done);
        vst1q_u8(a->out + x,
                 vcombine_u8(lvt_rounded(done[0], done[1]), lvt_rounded(done[2], done[3])));
    }
    return x;
}

void lvt_resample_rows_u8__neondot(const lvt_resample_rows_args *a) {
    lvt_resample_rows_from(a, a->has_negative ? mean_rows(a, 4) : mean_rows(a, 3));
}

LVT_TARGET_END
#endif
