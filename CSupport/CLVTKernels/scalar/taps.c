// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"
#include "internal/target_region.h"
#include <string.h>

/// Copies `count` taps of one row that are inside the input.
typedef void copy_fn(const lvt_taps_args *t, const char *in, size_t count, int8_t *out);

static void copy_map(const lvt_taps_args *t, const char *in, size_t count, int8_t *out) {
    if (t->pixel_stride == t->channels) {
        memcpy(out, in, count * t->channels);
        return;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * t->channels, in + i * t->pixel_stride, t->channels);
}

static void copy_picture(const lvt_taps_args *t, const char *in, size_t count, int8_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = (const uint8_t *)in + i * t->pixel_stride;
        out[4 * i] = (int8_t)(pixel[0] ^ 0x80);
        out[4 * i + 1] = (int8_t)(pixel[1] ^ 0x80);
        out[4 * i + 2] = (int8_t)(pixel[2] ^ 0x80);
        out[4 * i + 3] = -128;
    }
}

static void fill(const lvt_taps_args *t, size_t count, int8_t *out) {
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * t->channels, t->outside, t->channels);
}

LVT_INLINE void run(const lvt_taps_args *t, copy_fn *copy) {
    const ptrdiff_t kernel = (ptrdiff_t)t->kernel, pad = (kernel - 1) / 2;
    const ptrdiff_t height = (ptrdiff_t)t->height, width = (ptrdiff_t)t->width;
    for (size_t i = 0; i < t->count; i++) {
        const ptrdiff_t top = (ptrdiff_t)((t->first + i) / t->columns * t->step) - pad;
        const ptrdiff_t left = (ptrdiff_t)((t->first + i) % t->columns * t->step) - pad;
        // Taps in front of the first column, inside, and behind the last.
        const ptrdiff_t begin = left < 0 ? -left : 0;
        const ptrdiff_t end = left + kernel > width ? width - left : kernel;
        int8_t *out = t->out + i * t->out_stride;
        for (ptrdiff_t y = top; y < top + kernel; y++, out += kernel * (ptrdiff_t)t->channels) {
            if (y < 0 || y >= height || end <= begin) {
                fill(t, (size_t)kernel, out);
                continue;
            }
            const char *row = (const char *)t->in + (size_t)y * t->row_stride;
            fill(t, (size_t)begin, out);
            copy(t, row + (size_t)(left + begin) * t->pixel_stride, (size_t)(end - begin),
                 out + (size_t)begin * t->channels);
            fill(t, (size_t)(kernel - end), out + (size_t)end * t->channels);
        }
    }
}

void lvt_taps_s8__scalar(const lvt_taps_args *t) {
    run(t, copy_map);
}

void lvt_taps_u8__scalar(const lvt_taps_args *t) {
    run(t, copy_picture);
}
