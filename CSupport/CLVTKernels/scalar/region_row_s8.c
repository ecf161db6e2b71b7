// SPDX-License-Identifier: Apache-2.0
//
// A row of a region's cells, the definition. The formula is at lvt_region_row_args.
#include "internal/kernels.h"

void lvt_region_row_s8__scalar(const lvt_region_row_args *r) {
    for (size_t i = 0; i < r->width * r->pitch; i++) {
        int32_t sum = r->zero_point * r->row_rest;
        for (size_t row = 0; row < r->rows; row++)
            sum += r->in[row * r->row_stride + i] * r->row_weights[row];
        r->scratch[i] = (int16_t)((sum + (1 << 6)) >> 7);
    }
    for (size_t cell = 0; cell < r->cell_count; cell++) {
        const lvt_region_cell *from = r->cells + cell;
        const int16_t *v = r->scratch + (size_t)from->first * r->pitch;
        for (size_t c = 0; c < r->pitch; c++) {
            int32_t sum = r->zero_point * from->rest * (1 << 7);
            for (int32_t x = 0; x < from->count; x++)
                sum += v[(size_t)x * r->pitch + c] * r->column_weights[from->weights + x];
            const int32_t mean = (sum + (1 << 20)) >> 21;
            r->out[cell * r->pitch + c] = (int8_t)(mean < -128 ? -128 : mean > 127 ? 127 : mean);
        }
    }
}
