// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a 16-column row, shared by neon and neondot.
#pragma once
#include "internal/gemm.h"
#include <arm_neon.h>
#include <string.h>

/// saturate(zero_point + rne(v)) of 16 values: FCVTNS rounds to nearest even.
LVT_INLINE void lvt_quantize_s16_x16(const float32x4_t v[4], int32_t zero_point, int16x8_t q[2]) {
    const int16x8_t zero_points = vdupq_n_s16((int16_t)zero_point);
    LVT_UNROLL for (size_t i = 0; i < 2; i++) {
        const int16x4_t low = vqmovn_s32(vcvtnq_s32_f32(v[2 * i]));
        q[i] = vqaddq_s16(vqmovn_high_s32(low, vcvtnq_s32_f32(v[2 * i + 1])), zero_points);
    }
}

/// saturate(zero_point + rne(v)) of 16 values.
LVT_INLINE int8x16_t lvt_quantize_x16(const float32x4_t v[4], int32_t zero_point) {
    int16x8_t wide[2];
    lvt_quantize_s16_x16(v, zero_point, wide);
    return vqmovn_high_s16(vqmovn_s16(wide[0]), wide[1]);
}

/// v += f32(r - zero_point) * multiplier of 16 values, int8 or int16.
LVT_INLINE void lvt_add_residual_x16(float32x4_t v[4],
                                     const void *residual,
                                     const int is_s16,
                                     int32_t zero_point,
                                     float multiplier) {
    int16x8_t r[2];
    if (is_s16) {
        r[0] = vld1q_s16(residual);
        r[1] = vld1q_s16((const int16_t *)residual + 8);
    } else {
        const int8x16_t r_s8 = vld1q_s8(residual);
        r[0] = vmovl_s8(vget_low_s8(r_s8));
        r[1] = vmovl_high_s8(r_s8);
    }
    const int16x8_t zero_points = vdupq_n_s16((int16_t)zero_point);
    LVT_UNROLL for (size_t i = 0; i < 4; i++) {
        const int32x4_t centred =
            i % 2 ? vsubl_high_s16(r[i / 2], zero_points)
                  : vsubl_s16(vget_low_s16(r[i / 2]), vget_low_s16(zero_points));
        v[i] = vaddq_f32(v[i], vmulq_n_f32(vcvtq_f32_s32(centred), multiplier));
    }
}

/// The sums of a tile's rows against one panel, before the epilogue.
typedef int32_t lvt_tile_sums[][LVT_BLOCK];

LVT_INLINE void lvt_store_sums(int32_t out[LVT_BLOCK], const int32x4_t sums[4]) {
    LVT_UNROLL for (size_t i = 0; i < 4; i++) vst1q_s32(out + 4 * i, sums[i]);
}

typedef enum { LVT_ADDS_NOTHING, LVT_ADDS_RESIDUAL, LVT_ADDS_BEHIND_RELU } lvt_addition;

/// What every row of a tile takes. For all that the compiler knows, a store changes what is behind
/// a pointer.
typedef struct {
    float32x4_t multiplier[4];
    int32_t zero_point, residual_zero_point;
    float residual_multiplier;
    int8x16_t lo;
} lvt_epilogue;

LVT_INLINE lvt_epilogue lvt_gemm_epilogue(const lvt_gemm_args *g, const lvt_panel *panel) {
    lvt_epilogue e = {.zero_point = g->out_zero_point,
                      .residual_zero_point = g->residual_zero_point,
                      .residual_multiplier = g->residual_multiplier,
                      .lo = vdupq_n_s8((int8_t)g->out_lo)};
    LVT_UNROLL for (size_t i = 0; i < 4; i++) e.multiplier[i] =
        vld1q_f32(panel->multiplier + 4 * i);
    return e;
}

LVT_INLINE void lvt_gemm_finish_row(const lvt_epilogue *e,
                                    const int32x4_t sums[4],
                                    char *out,
                                    const char *residual,
                                    const int is_s16,
                                    const lvt_addition addition) {
    float32x4_t v[4];
    LVT_UNROLL for (size_t i = 0; i < 4; i++) v[i] =
        vmulq_f32(vcvtq_f32_s32(sums[i]), e->multiplier[i]);
    if (addition == LVT_ADDS_BEHIND_RELU) {
        LVT_UNROLL for (size_t i = 0; i < 4; i++) v[i] = vmaxq_f32(v[i], vdupq_n_f32(0));
    }
    if (addition != LVT_ADDS_NOTHING)
        lvt_add_residual_x16(v, residual, is_s16, e->residual_zero_point, e->residual_multiplier);
    if (is_s16) {
        int16x8_t q[2];
        lvt_quantize_s16_x16(v, 0, q);
        vst1q_s16((int16_t *)(void *)out, q[0]);
        vst1q_s16((int16_t *)(void *)out + 8, q[1]);
    } else {
        vst1q_s8((int8_t *)out, vmaxq_s8(lvt_quantize_x16(v, e->zero_point), e->lo));
    }
}

LVT_INLINE void lvt_gemm_finish_rows(const lvt_gemm_args *g,
                                     const lvt_panel *panel,
                                     const lvt_tile_sums sums,
                                     size_t rows,
                                     char *out,
                                     const char *residual,
                                     const int is_s16,
                                     const lvt_addition addition) {
    const size_t out_stride = g->out_stride, residual_stride = g->residual_stride;
    const lvt_epilogue e = lvt_gemm_epilogue(g, panel);
    for (; rows > 0; rows--, sums++, out += out_stride) {
        int32x4_t row[4];
        LVT_UNROLL for (size_t i = 0; i < 4; i++) row[i] = vld1q_s32(*sums + 4 * i);
        lvt_gemm_finish_row(&e, row, out, residual, is_s16, addition);
        if (addition != LVT_ADDS_NOTHING)
            residual += residual_stride;
    }
}

/// The epilogue of lvt_gemm_args. It is not part of the tiles' code, which has an instance for each
/// number of rows: the first level's cache holds 32 KiB of code.
static __attribute__((noinline)) void lvt_gemm_finish__neon(const lvt_gemm_args *g,
                                                            const lvt_panel *panel,
                                                            const lvt_tile_sums sums,
                                                            size_t row,
                                                            size_t rows,
                                                            size_t panel_index) {
    char *out = lvt_gemm_out(g, row, panel_index);
    const char *residual = lvt_gemm_residual(g, row, panel_index);
    const lvt_addition addition = !g->residual                 ? LVT_ADDS_NOTHING
                                  : g->is_residual_behind_relu ? LVT_ADDS_BEHIND_RELU
                                                               : LVT_ADDS_RESIDUAL;
    if (g->output == LVT_OUTPUT_S32) {
        for (size_t r = 0; r < rows; r++)
            memcpy(out + r * g->out_stride, sums[r], sizeof sums[r]);
        return;
    }
#define LVT_FORM(is_s16, addition)                                                                 \
    case 3 * (is_s16) + (addition):                                                                \
        lvt_gemm_finish_rows(g, panel, sums, rows, out, residual, is_s16, addition);               \
        break
    switch (3 * (g->output == LVT_OUTPUT_S16) + (int)addition) {
        LVT_FORM(0, LVT_ADDS_NOTHING);
        LVT_FORM(0, LVT_ADDS_RESIDUAL);
        LVT_FORM(0, LVT_ADDS_BEHIND_RELU);
        LVT_FORM(1, LVT_ADDS_NOTHING);
        LVT_FORM(1, LVT_ADDS_RESIDUAL);
        LVT_FORM(1, LVT_ADDS_BEHIND_RELU);
    }
#undef LVT_FORM
}

/// The same for sums in registers. The most frequent form is part of a tile's code after all, and
/// neither stores its sums nor loads them.
LVT_INLINE void lvt_gemm_finish_tile(const lvt_gemm_args *g,
                                     const lvt_panel *panel,
                                     const int32x4_t sums[][4],
                                     size_t row,
                                     const size_t rows,
                                     size_t panel_index) {
    if (g->output == LVT_OUTPUT_S8 && !g->residual) {
        char *out = lvt_gemm_out(g, row, panel_index);
        const size_t out_stride = g->out_stride;
        const lvt_epilogue e = lvt_gemm_epilogue(g, panel);
        LVT_UNROLL for (size_t r = 0; r < rows; r++, out += out_stride)
            lvt_gemm_finish_row(&e, sums[r], out, NULL, 0, LVT_ADDS_NOTHING);
        return;
    }
    int32_t stored[6][LVT_BLOCK]; // as many rows as the tallest tile
    LVT_UNROLL for (size_t r = 0; r < rows; r++) lvt_store_sums(stored[r], sums[r]);
    lvt_gemm_finish__neon(g, panel, stored, row, rows, panel_index);
}
