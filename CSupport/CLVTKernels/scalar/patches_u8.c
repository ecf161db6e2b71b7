// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

void lvt_patches_u8__scalar(const lvt_patches_args *p) {
    const size_t run = 3 * p->patch; // bytes of one picture row inside a patch
    for (size_t i = 0; i < p->count; i++) {
        const size_t row = (p->first + i) / p->columns, column = (p->first + i) % p->columns;
        const uint8_t *in = p->picture + row * p->patch * p->picture_stride + column * run;
        int8_t *out = p->out + i * p->out_stride;
        for (size_t y = 0; y < p->patch; y++)
            for (size_t b = 0; b < run; b++)
                out[y * run + b] = (int8_t)(in[y * p->picture_stride + b] ^ 0x80);
    }
}
