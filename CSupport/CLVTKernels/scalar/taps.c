// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"
#include "internal/target_region.h"
#include <string.h>

/// memcpy without a call: 16 bytes at a time, the last ones once more.
LVT_INLINE void copy_bytes(int8_t *out, const uint8_t *in, size_t count) {
    if (count < 16) {
        for (size_t i = 0; i < count; i++)
            out[i] = (int8_t)in[i];
        return;
    }
    for (size_t i = 0; i + 16 <= count; i += 16)
        memcpy(out + i, in + i, 16);
    memcpy(out + count - 16, in + count - 16, 16);
}

/// Copies `count` taps of one row that are inside the input.
typedef void copy_fn(const lvt_taps_args *t, const uint8_t *in, size_t count, int8_t *out);

LVT_INLINE void copy_map(const lvt_taps_args *t, const uint8_t *in, size_t count, int8_t *out) {
    if (t->pixel_stride == t->channels) {
        copy_bytes(out, in, count * t->channels);
        return;
    }
    for (size_t i = 0; i < count; i++)
        copy_bytes(out + i * t->channels, in + i * t->pixel_stride, t->channels);
}

LVT_INLINE void copy_picture(const lvt_taps_args *t, const uint8_t *in, size_t count, int8_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = in + i * t->pixel_stride;
        const uint8_t tap[4] = {pixel[0] ^ 0x80, pixel[1] ^ 0x80, pixel[2] ^ 0x80, 0x80};
        memcpy(out + 4 * i, tap, 4);
    }
}

LVT_INLINE void run(const lvt_taps_args *t, const size_t channels, copy_fn *copy) {
    const ptrdiff_t kernel = (ptrdiff_t)t->kernel, pad = (kernel - 1) / 2;
    const ptrdiff_t height = (ptrdiff_t)t->height, width = (ptrdiff_t)t->width;
    size_t row = t->first / t->columns, column = t->first % t->columns;
    for (size_t i = 0; i < t->count; i++) {
        const ptrdiff_t top = (ptrdiff_t)(row * t->step) - pad;
        const ptrdiff_t left = (ptrdiff_t)(column * t->step) - pad;
        // Taps begin ..< end of a row are inside the input.
        const ptrdiff_t begin = left < 0 ? -left : 0;
        const ptrdiff_t end = left + kernel > width ? width - left : kernel;
        int8_t *out = t->out + i * t->out_stride;
        for (ptrdiff_t y = top; y < top + kernel; y++, out += (size_t)kernel * channels) {
            const int inside = y >= 0 && y < height && begin < end;
            if (inside)
                copy(t,
                     (const uint8_t *)t->in + (size_t)y * t->row_stride +
                         (size_t)(left + begin) * t->pixel_stride,
                     (size_t)(end - begin),
                     out + (size_t)begin * channels);
            for (ptrdiff_t x = 0; x < kernel; x++)
                if (!inside || x < begin || x >= end)
                    memcpy(out + (size_t)x * channels, t->outside, channels);
        }
        if (++column == t->columns) {
            column = 0;
            row++;
        }
    }
}

void lvt_taps_s8__scalar(const lvt_taps_args *t) {
    run(t, t->channels, copy_map);
}

void lvt_taps_u8__scalar(const lvt_taps_args *t) {
    run(t, 4, copy_picture);
}
