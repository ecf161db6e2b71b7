// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "path.h"
#include "CLVTSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

// A byte b that is no UTF-8 is the character U+10FF00 + b: F4 8F, then BE (80 ... BF) or BF (C0 ...
// FF), then b's low six bits.
enum { FIRST = 0xF4, SECOND = 0x8F, LOW_HALF = 0xBE, HIGH_HALF = 0xBF };

static bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

// The bytes of the character at `s`, 0 if it is none or stands for a byte.
static size_t character(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    const size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    uint32_t scalar = s[0] & (0x7F >> length);
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(s[i])) // nor is the zero at the end
            return 0;
        scalar = scalar << 6 | (s[i] & 0x3F);
    }
    const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = scalar >= 0xD800 && scalar <= 0xDFFF;
    if (s[0] < 0xC2 || s[0] > 0xF4 || scalar < least[length] || is_surrogate || scalar >= 0x10FF80)
        return 0;
    return length;
}

size_t lvt_path_text(const char *path, char *text, size_t capacity) {
    const unsigned char *s = (const unsigned char *)path;
    size_t count = 0;
    while (*s) {
        const size_t length = character(s);
        const unsigned char byte[4] = {
            FIRST, SECOND, *s < 0xC0 ? LOW_HALF : HIGH_HALF, 0x80 | (*s & 0x3F)};
        const size_t written = length ? length : sizeof byte;
        if (count + written < capacity)
            memcpy(text + count, length ? s : byte, written);
        count += written;
        s += length ? length : 1;
    }
    if (count < capacity)
        text[count] = 0;
    return count;
}

int lvt_path_bytes(const char *text, char path[PATH_MAX]) {
    const unsigned char *s = (const unsigned char *)text;
    size_t count = 0;
    while (*s) {
        if (count + 1 >= PATH_MAX)
            return -ENAMETOOLONG;
        const bool is_byte = s[0] == FIRST && s[1] == SECOND &&
                             (s[2] == LOW_HALF || s[2] == HIGH_HALF) && is_continuation(s[3]);
        path[count++] = (char)(is_byte ? (s[2] == LOW_HALF ? 0x80 : 0xC0) | (s[3] & 0x3F) : *s);
        s += is_byte ? 4 : 1;
    }
    path[count] = 0;
    return 0;
}

int lvt_open_read(const char *text) {
    char path[PATH_MAX];
    const int error = lvt_path_bytes(text, path);
    if (error)
        return error;
    // Non-blocking, so that a pipe without a writer is refused and not waited for.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}
