// SPDX-License-Identifier: Apache-2.0
//
// Decodes a JPEG in memory to RGB with the system's libjpeg, and encodes RGB. libjpeg reports
// errors by longjmp, which must not cross Swift's frames: none leaves these functions. Nothing is
// printed.
//
//     lvt_jpeg_open    reads the headers; says how large the picture is
//     lvt_jpeg_decode  writes its pixels into the caller's memory
//     lvt_jpeg_encode  makes a JPEG of pixels
//
// The pixels are those that PIL's Image.open(file).convert("RGB") gives, with the same libjpeg.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lvt_jpeg lvt_jpeg;

typedef enum {
    LVT_JPEG_OK,
    LVT_JPEG_TRUNCATED,   ///< The bytes end before the picture does.
    LVT_JPEG_DAMAGED,     ///< The bytes are no legal JPEG, or decode to garbage.
    LVT_JPEG_UNSUPPORTED, ///< A legal JPEG that libjpeg, or this library, does not decode.
    LVT_JPEG_TOO_LARGE,   ///< More pixels, or more memory to decode them, than allowed here.
    LVT_JPEG_NO_MEMORY
} lvt_jpeg_status;

enum {
    /// Pixels of the largest picture that is decoded, as PIL has it. It is 537 MB of RGB.
    LVT_JPEG_MAX_PIXELS = 178956970,
    /// Bytes that libjpeg may use, which is much only for progressive pictures: it keeps all their
    /// coefficients, 3 to 6 bytes a pixel.
    LVT_JPEG_MAX_MEMORY = 640 << 20,
    /// Scans of a file. Encoders write about ten, but a few kilobytes can hold thousands, each of
    /// which costs a pass over all the coefficients.
    LVT_JPEG_MAX_SCANS = 100
};

/// A decoder, for one caller at a time. NULL if there is no memory.
lvt_jpeg *lvt_jpeg_create(void);
void lvt_jpeg_destroy(lvt_jpeg *decoder);

/// Reads the headers of a JPEG, which must stay where it is until it has been decoded. A decoder
/// may open one picture after another.
lvt_jpeg_status lvt_jpeg_open(
    lvt_jpeg *decoder, const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height);

/// Decodes the open picture, once. The pixel in column x of row y, three bytes of RGB, goes to
/// `pixels + x * column_step + y * row_step`; the steps may be negative, for pictures that are to
/// be mirrored or turned. After an error some pixels are those of the picture and the others what
/// they were before.
///
/// A picture may take time and memory as its bytes do, up to the limits above: one that claims many
/// blocks or goes over them in many scans, and has few bytes, is refused.
lvt_jpeg_status
lvt_jpeg_decode(lvt_jpeg *decoder, uint8_t *pixels, ptrdiff_t column_step, ptrdiff_t row_step);

/// What was wrong, in a line; valid until the next call for the same decoder.
const char *lvt_jpeg_message(const lvt_jpeg *decoder);

enum { LVT_JPEG_MESSAGE = 256 };

/// Encodes RGB pixels, rows without padding between them, chroma in full resolution or with half of
/// its rows and columns. `*bytes` is
/// the caller's, for lvt_jpeg_free. After an error it is NULL, and `message` says in a line what
/// was wrong: more than 65500 pixels to a side, for example, or no memory.
///
/// `quality` is libjpeg's, 0 ... 100.
lvt_jpeg_status lvt_jpeg_encode(const uint8_t *rgb,
                                uint32_t width,
                                uint32_t height,
                                int quality,
                                bool halves_chroma,
                                uint8_t **bytes,
                                size_t *count,
                                char message[LVT_JPEG_MESSAGE]);
void lvt_jpeg_free(uint8_t *bytes);
