// SPDX-License-Identifier: Apache-2.0
//
// Decodes a PNG of class indices in memory with the system's libpng. libpng reports errors by
// longjmp, which must not cross Swift's frames: none leaves these functions. Nothing is printed.
//
//     lvt_png_open    reads the headers; says how large the picture is
//     lvt_png_decode  writes its samples into the caller's memory
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct lvt_png lvt_png;

typedef enum {
    LVT_PNG_OK,
    LVT_PNG_TRUNCATED,   ///< The bytes end before the picture does.
    LVT_PNG_DAMAGED,     ///< The bytes are no legal PNG.
    LVT_PNG_UNSUPPORTED, ///< A legal PNG whose samples are no class indices of at most 8 bits.
    LVT_PNG_TOO_LARGE,   ///< More pixels than allowed here.
    LVT_PNG_NO_MEMORY
} lvt_png_status;

enum {
    /// Pixels of a side of the largest picture that is decoded.
    LVT_PNG_MAX_SIDE = 16384
};

/// Reads the headers of a PNG, which must stay where it is until the decoder is closed.
///
/// Grey and palette pictures of 1, 2, 4 and 8 bits are decoded. A picture that claims more pixels
/// than its bytes can hold is refused.
///
/// The decoder is for one picture, and to be closed whatever the status is; it is NULL if there is
/// no memory.
lvt_png_status lvt_png_open(
    lvt_png **decoder, const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height);

/// Decodes the picture, once, if it was opened without an error. Writes a byte for each pixel, row
/// after row: the grey value or the palette's index as it is, 1 of a bit is 1. After an error some
/// bytes were written.
lvt_png_status lvt_png_decode(lvt_png *decoder, uint8_t *samples);

/// What was wrong, in a line; valid until the decoder is closed.
const char *lvt_png_message(const lvt_png *decoder);

/// Frees the decoder, which may be NULL.
void lvt_png_close(lvt_png *decoder);
