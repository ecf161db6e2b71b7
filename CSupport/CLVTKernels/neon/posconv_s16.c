// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution with taps of each position, 16 channels at a time. NEON.
//
// As in avx2/posconv_s16.c, a 32-bit lane holds two taps or two pixels. TBL spreads groups over 4
// channels; SMLAL leaves the two products of a channel in neighbouring lanes, which are added at
// the end.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__aarch64__)
#include "neon/epilogue.h"

/// Where 4 channels find their taps: from group `first` on, byte by byte.
typedef struct {
    size_t first;
    uint8x16_t bytes;
} spread;

LVT_INLINE size_t group(const lvt_posconv_args *a, size_t c) {
    const size_t g = c / a->group_channels;
    return g < a->groups ? g : a->groups - 1;
}

LVT_INLINE spread spread_from(const lvt_posconv_args *a, size_t c) {
    spread s = {.first = group(a, c)};
    uint8_t bytes[16];
    for (size_t i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(4 * (group(a, c + i / 4) - s.first) + i % 4);
    s.bytes = vld1q_u8(bytes);
    return s;
}

LVT_INLINE int16x8_t load_taps(const int16_t *taps, const spread *s) {
    const int16x8_t groups = vld1q_s16(taps + 2 * s->first);
    return vreinterpretq_s16_u8(vqtbl1q_u8(vreinterpretq_u8_s16(groups), s->bytes));
}

LVT_INLINE void add_products(int32x4_t acc[2], const int16_t *pixels, int16x8_t taps) {
    const int16x8_t x = vld1q_s16(pixels);
    acc[0] = vmlal_s16(acc[0], vget_low_s16(x), vget_low_s16(taps));
    acc[1] = vmlal_high_s16(acc[1], x, taps);
}

LVT_INLINE void run(const lvt_posconv_args *a, const size_t kernel) {
    const size_t last = kernel - 1, pair = 2 * a->groups, pixel = 2 * a->channels;
    const size_t stride = lvt_posconv_tap_count(kernel, a->groups);
    const int16x8_t first_half = vreinterpretq_s16_s32(vdupq_n_s32(0xFFFF));
    for (size_t c = 0; c < a->channels; c += LVT_BLOCK) {
        spread s[4];
        for (size_t j = 0; j < 4; j++)
            s[j] = spread_from(a, c + 4 * j);
        for (size_t i = 0; i < a->count; i++) {
            const int16_t *taps = a->taps + i * stride;
            const size_t x = i * pixel + 2 * c;
            int32x4_t acc[4][2];
            LVT_UNROLL for (size_t j = 0; j < 4; j++) acc[j][0] = acc[j][1] = vdupq_n_s32(0);
            for (size_t ky = 0; ky < kernel; ky++) {
                const int16_t *pixels = a->rows[ky] + x;
                LVT_UNROLL for (size_t kx = 0; kx < last; kx += 2, taps += pair) {
                    LVT_UNROLL for (size_t j = 0; j < 4; j++)
                        add_products(acc[j], pixels + kx * pixel + 8 * j, load_taps(taps, &s[j]));
                }
            }
            const size_t at = x + last * pixel;
            for (size_t ky = 0; ky < last; ky += 2, taps += pair) {
                LVT_UNROLL for (size_t j = 0; j < 4; j++) {
                    const int16x8_t both = load_taps(taps, &s[j]);
                    add_products(acc[j], a->rows[ky] + at + 8 * j, vandq_s16(both, first_half));
                    add_products(
                        acc[j], a->rows[ky + 1] + at - pixel + 8 * j, vbicq_s16(both, first_half));
                }
            }
            float32x4_t v[4];
            LVT_UNROLL for (size_t j = 0; j < 4; j++) {
                add_products(acc[j],
                             a->rows[last] + at + 8 * j,
                             vandq_s16(load_taps(taps, &s[j]), first_half));
                const float32x4_t scaled =
                    vmulq_f32(vcvtq_f32_s32(vpaddq_s32(acc[j][0], acc[j][1])),
                              vld1q_f32(a->multiplier + c + 4 * j));
                v[j] = vaddq_f32(scaled, vld1q_f32(a->bias + c + 4 * j));
            }
            vst1q_s8(
                a->out + i * a->out_stride + c,
                vmaxq_s8(lvt_quantize_x16(v, a->out_zero_point), vdupq_n_s8((int8_t)a->out_lo)));
        }
    }
}

void lvt_posconv_s16__neon(const lvt_posconv_args *a) {
    if (a->kernel == 7)
        run(a, 7);
    else
        run(a, a->kernel);
}
#endif
