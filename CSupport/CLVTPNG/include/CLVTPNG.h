// SPDX-License-Identifier: Apache-2.0
//
// Decodes a PNG of colours or of class indices in memory with the system's libpng. libpng reports
// errors by longjmp, which must not cross Swift's frames: none leaves these functions. Nothing is
// printed.
//
//     lvt_png_open    reads the headers; says how large the picture is
//     lvt_png_decode  writes its samples into the caller's memory
//     lvt_png_exif    gives its Exif data
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

/// What is made of the pixels.
typedef enum {
    /// A byte for each pixel: the grey value or the palette's index as it is, 1 of a bit is 1.
    LVT_PNG_LABELS,
    /// Red, green and blue, as PIL's convert("RGB") makes them. Transparency is dropped. Samples of
    /// 16 bits lose their lower byte, but those of grey without transparency are clipped at 255.
    /// Indices that the palette lacks are black.
    LVT_PNG_RGB
} lvt_png_samples;

enum {
    /// Pixels of a side of the largest label picture that is decoded.
    LVT_PNG_MAX_SIDE = 16384,
    /// Pixels of the largest picture that is decoded as RGB, as of JPEGs.
    LVT_PNG_MAX_PIXELS = 178956970
};

/// Reads the headers of a PNG, which must stay where it is until the decoder is closed.
///
/// As labels grey and palette pictures of 1, 2, 4 and 8 bits are decoded, as RGB all. A picture
/// that claims more pixels than its bytes can hold is refused.
///
/// The decoder is for one picture, and to be closed whatever the status is; it is NULL if there is
/// no memory.
lvt_png_status lvt_png_open(lvt_png **decoder,
                            lvt_png_samples samples,
                            const uint8_t *bytes,
                            size_t count,
                            uint32_t *width,
                            uint32_t *height);

/// Decodes the picture, once, if it was opened without an error. Writes width x height samples, row
/// after row, of 1 byte as labels and 3 bytes as RGB. After an error some bytes were written.
lvt_png_status lvt_png_decode(lvt_png *decoder, uint8_t *samples);

/// The Exif data of a decoded picture, the decoder's, valid until it is closed; NULL if there are
/// none. As labels there never are.
const uint8_t *lvt_png_exif(lvt_png *decoder, size_t *count);

/// What was wrong, in a line; valid until the decoder is closed.
const char *lvt_png_message(const lvt_png *decoder);

/// Frees the decoder, which may be NULL.
void lvt_png_close(lvt_png *decoder);
