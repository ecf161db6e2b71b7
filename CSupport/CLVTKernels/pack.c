// SPDX-License-Identifier: Apache-2.0
//
// Packs weights for kernels. A dot-product instruction multiplies 4 consecutive k of one column
// with 4 consecutive k of a row and adds them to one 32-bit lane. Weights are therefore stored
// once, by the planner, so that a vector load yields the operand of that instruction:
//
//   panel = bias[16]  column_sum[16]  multiplier[16]  then for g = 0 ..< ceil(k / 4):
//           w[4g ..< 4g+4, column 0]  w[4g ..< 4g+4, column 1]  ...  w[4g ..< 4g+4, column 15]
//
// One group is 64 bytes: four SDOT operands, two YMM or one ZMM operand of VPDPBUSD, and in halves
// the source of VPMOVSXBW or SMULL. A matrix of n columns is ceil(n / 16) panels.
#include "include/CLVTKernels.h"
#include <string.h>

size_t lvt_panel_bytes(size_t k) {
    return sizeof(lvt_panel) + (k + 3) / 4 * 4 * LVT_BLOCK;
}

void lvt_pack_panel(lvt_panel *panel,
                    const int8_t *w,
                    size_t column_stride,
                    size_t k,
                    size_t n,
                    const int32_t *bias,
                    const float *multiplier,
                    int32_t a_zero_point) {
    memset(panel, 0, lvt_panel_bytes(k));
    for (size_t column = 0; column < n && column < LVT_BLOCK; column++) {
        int32_t sum = 0;
        for (size_t i = 0; i < k; i++) {
            const int8_t value = w[column * column_stride + i];
            panel->weights[(i / 4 * LVT_BLOCK + column) * 4 + i % 4] = value;
            sum += value;
        }
        panel->column_sum[column] = sum;
        panel->bias[column] = bias[column] - a_zero_point * sum;
        panel->multiplier[column] = multiplier[column];
    }
}

// Adds up to 128 groups in 16 bits, which |w| <= 128 cannot overflow and the compiler vectorises
// well: every weight of a plan passes through here when it is loaded.
static void add_groups(const int8_t *w, size_t groups, int32_t sums[64], int32_t magnitudes[64]) {
    int16_t sum[64] = {0}, magnitude[64] = {0};
    for (size_t g = 0; g < groups; g++, w += 64) {
        for (size_t i = 0; i < 64; i++) {
            const int16_t value = w[i];
            sum[i] = (int16_t)(sum[i] + value);
            magnitude[i] = (int16_t)(magnitude[i] + (value < 0 ? -value : value));
        }
    }
    for (size_t i = 0; i < 64; i++) {
        sums[i] += sum[i];
        magnitudes[i] += magnitude[i];
    }
}

// Whether what pads rows of taps to groups of 4 is zero: it meets whatever lies behind a row.
static bool has_zero_tails(const lvt_panel *panel, size_t rows, size_t taps) {
    const size_t groups = (taps + 3) / 4;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = taps; i < groups * 4; i++)
            for (size_t column = 0; column < LVT_BLOCK; column++)
                if (panel->weights[((row * groups + i / 4) * LVT_BLOCK + column) * 4 + i % 4] != 0)
                    return false;
    return true;
}

bool lvt_panel_is_valid(
    const lvt_panel *panel, size_t rows, size_t taps, size_t n, float greatest_multiplier) {
    const size_t groups = rows * ((taps + 3) / 4);
    int32_t sums[64] = {0}, magnitudes[64] = {0};
    int8_t least = 0;
    for (size_t g = 0; g < groups; g += 128)
        add_groups(panel->weights + g * 64, groups - g < 128 ? groups - g : 128, sums, magnitudes);
    for (size_t i = 0; i < groups * 64; i++)
        least = panel->weights[i] < least ? panel->weights[i] : least;
    bool valid = least >= -127 && has_zero_tails(panel, rows, taps);
    for (size_t column = 0; column < LVT_BLOCK; column++) {
        const int64_t bias = panel->bias[column];
        int64_t sum = 0, magnitude = 0;
        for (size_t i = 0; i < 4; i++) {
            sum += sums[column * 4 + i];
            magnitude += magnitudes[column * 4 + i];
        }
        const int64_t reach = (bias < 0 ? -bias : bias) + 128 * magnitude;
        const float multiplier = panel->multiplier[column];
        valid = valid && reach <= INT32_MAX && sum == panel->column_sum[column] &&
                multiplier >= 0 && multiplier <= greatest_multiplier; // false for NaN
        if (column >= n)
            valid = valid && reach == 0 && multiplier == 0;
    }
    return valid;
}
