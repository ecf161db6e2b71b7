// SPDX-License-Identifier: Apache-2.0
//
// How much scratch a kernel may use: the largest need of any ISA, so that a plan's memory does not
// depend on the CPU that runs it.
#include "internal/attention.h"
#include "internal/dwconv.h"

size_t lvt_gemm_scratch_bytes(size_t rows, size_t k) {
    return rows * ((k + 3) / 4 * 4) * sizeof(int16_t); // AVX2 widens the rows to int16.
}

size_t lvt_dwconv_panel_k(size_t kernel) {
    return kernel * lvt_dwconv_groups(kernel) * 4;
}

size_t lvt_dwconv_scratch_bytes(size_t width, size_t kernel) {
    // The ring of K prepared rows, and the filter once more in the ISA's own order.
    return kernel * lvt_dwconv_row_bytes(width, kernel) +
           2 * lvt_dwconv_panel_k(kernel) * LVT_BLOCK;
}

size_t lvt_posconv_tap_count(size_t kernel, size_t groups) {
    // Behind the last group's pair a vector of 8 pairs may reach over 7 more.
    return ((kernel * kernel + 1) / 2 * groups * 2 + 14 + 15) / 16 * 16;
}

size_t lvt_attention_scratch_bytes(size_t keys, size_t head_dim) {
    // Scores and weights of some queries, and one head's queries, keys and values widened to int16.
    // Kernels whose keys have one byte use what is left for their sums, or for more queries.
    const size_t padded = (keys + 15) / 16 * 16, channels = (head_dim + 15) / 16 * 16;
    return LVT_ATTENTION_QUERIES * padded * (sizeof(int32_t) + sizeof(int16_t)) +
           (2 * padded + LVT_ATTENTION_QUERIES) * channels * sizeof(int16_t);
}

size_t lvt_dilated_attention_scratch_bytes(size_t head_dim) {
    return (head_dim + 15) / 16 * 16; // The zeros that stand for a neighbour outside the map.
}

size_t lvt_depthwise_attention_scratch_bytes(size_t channels) {
    return channels; // The zeros that stand for a neighbour outside the map.
}
