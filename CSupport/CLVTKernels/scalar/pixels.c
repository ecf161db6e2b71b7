// SPDX-License-Identifier: Apache-2.0
#include "internal/copy.h"
#include "internal/kernels.h"

void lvt_pixels_s8__scalar(const lvt_pixels_args *p) {
    const int8_t *in = p->in;
    if (p->in_stride == p->channels && p->out_stride == p->channels) {
        memcpy(p->out, in, p->count * p->channels);
        return;
    }
    for (size_t i = 0; i < p->count; i++)
        lvt_copy_bytes(p->out + i * p->out_stride, in + i * p->in_stride, p->channels);
}

void lvt_pixels_u8__scalar(const lvt_pixels_args *p) {
    const uint8_t *in = p->in;
    for (size_t i = 0; i < p->count; i++) {
        const uint8_t *pixel = in + i * p->in_stride;
        const uint8_t four[4] = {pixel[0] ^ 0x80, pixel[1] ^ 0x80, pixel[2] ^ 0x80, 0x80};
        memcpy(p->out + i * p->out_stride, four, 4);
    }
}
