// SPDX-License-Identifier: Apache-2.0
#include "CLVTPNG.h"
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <png.h>

struct lvt_png {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count, used;
    jmp_buf failure; ///< Where the function that called libpng continues after an error.
    lvt_png_status status;
    lvt_png_samples samples;
    bool is_grey16; ///< Whether the samples are clipped here.
    char message[96];
};

/// Bytes of a chunk that libpng may keep in memory at once, and those that a byte of deflate's can
/// make.
enum { MOST_OF_CHUNK = 1 << 20, MOST_OF_BYTE = 1032 };

static lvt_png_status fail(lvt_png *decoder, lvt_png_status status, const char *message) {
    snprintf(decoder->message, sizeof decoder->message, "%s", message);
    return decoder->status = status;
}

// ---- What libpng calls --------------------------------------------------------------------------

static _Noreturn void on_error(png_structp png, png_const_charp message) {
    lvt_png *decoder = png_get_error_ptr(png);
    if (decoder->status == LVT_PNG_OK)
        fail(decoder, LVT_PNG_DAMAGED, message);
    longjmp(decoder->failure, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    lvt_png *decoder = png_get_io_ptr(png);
    if (count > decoder->count - decoder->used) {
        fail(decoder, LVT_PNG_TRUNCATED, "the file ends within the picture");
        png_error(png, decoder->message);
    }
    memcpy(out, decoder->bytes + decoder->used, count);
    decoder->used += count;
}

// ---- Opening and decoding -----------------------------------------------------------------------

static lvt_png_status check_labels(lvt_png *decoder) {
    switch (png_get_color_type(decoder->png, decoder->info)) {
    case PNG_COLOR_TYPE_GRAY:
    case PNG_COLOR_TYPE_PALETTE: break;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return fail(decoder, LVT_PNG_UNSUPPORTED, "grey pixels with transparency");
    default: return fail(decoder, LVT_PNG_UNSUPPORTED, "RGB pixels");
    }
    if (png_get_bit_depth(decoder->png, decoder->info) > 8)
        return fail(decoder, LVT_PNG_UNSUPPORTED, "samples of 16 bits");
    return LVT_PNG_OK;
}

static lvt_png_status read_headers(lvt_png *decoder, uint32_t *width, uint32_t *height) {
    if (setjmp(decoder->failure))
        return decoder->status;
    decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning);
    if (decoder->png)
        decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info)
        return fail(decoder, LVT_PNG_NO_MEMORY, "no memory");
    const png_structp png = decoder->png;
    png_set_read_fn(png, decoder, read_bytes);
    // Larger ones are refused below, with a better message.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, MOST_OF_CHUNK);
    // Profiles and texts are not looked at.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    if (decoder->samples == LVT_PNG_RGB)
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, (png_const_bytep) "eXIf", 1);
    png_read_info(png, decoder->info);

    *width = png_get_image_width(png, decoder->info);
    *height = png_get_image_height(png, decoder->info);
    const uint32_t longest = LVT_PNG_MAX_SIDE, most = LVT_PNG_MAX_PIXELS;
    if (decoder->samples == LVT_PNG_LABELS) {
        if (*width > longest || *height > longest)
            return fail(decoder, LVT_PNG_TOO_LARGE, "it has a side of more than 16384 pixels");
        const lvt_png_status status = check_labels(decoder);
        if (status != LVT_PNG_OK)
            return status;
    } else if ((uint64_t)*width * *height > most)
        return fail(decoder, LVT_PNG_TOO_LARGE, "it has more than 178956970 pixels");
    const uint64_t bits =
        (uint64_t)png_get_bit_depth(png, decoder->info) * png_get_channels(png, decoder->info);
    if (*width * bits * *height / 8 / MOST_OF_BYTE > decoder->count)
        return fail(decoder, LVT_PNG_TRUNCATED, "too few bytes for a picture of its size");
    return LVT_PNG_OK;
}

lvt_png_status lvt_png_open(lvt_png **result,
                            lvt_png_samples samples,
                            const uint8_t *bytes,
                            size_t count,
                            uint32_t *width,
                            uint32_t *height) {
    lvt_png *decoder = *result = calloc(1, sizeof(lvt_png));
    if (!decoder)
        return LVT_PNG_NO_MEMORY;
    decoder->samples = samples;
    decoder->bytes = bytes;
    decoder->count = count;
    return read_headers(decoder, width, height);
}

/// Three bytes for each pixel, whatever the file has; grey of 16 bits remains as it is.
static void make_rgb(lvt_png *decoder) {
    const png_structp png = decoder->png;
    const png_byte colours = png_get_color_type(png, decoder->info);
    const png_byte bits = png_get_bit_depth(png, decoder->info);
    decoder->is_grey16 = colours == PNG_COLOR_TYPE_GRAY && bits == 16;
    if (decoder->is_grey16)
        return;
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    if (colours == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (colours == PNG_COLOR_TYPE_GRAY && bits < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (!(colours & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(png);
}

/// From the 2 x width bytes at the end of a row of 3 x width.
static void clip_grey16(uint8_t *row, size_t width) {
    const uint8_t *grey = row + width;
    for (size_t x = 0; x < width; x++) {
        const uint8_t value = grey[2 * x] ? 255 : grey[2 * x + 1];
        memset(row + 3 * x, value, 3);
    }
}

lvt_png_status lvt_png_decode(lvt_png *decoder, uint8_t *samples) {
    if (decoder->status != LVT_PNG_OK)
        return decoder->status;
    if (setjmp(decoder->failure))
        return decoder->status;
    const png_structp png = decoder->png;
    if (decoder->samples == LVT_PNG_RGB)
        make_rgb(decoder);
    else
        png_set_packing(png); // a byte for each sample
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    const size_t width = png_get_image_width(png, decoder->info);
    const uint32_t height = png_get_image_height(png, decoder->info);
    const size_t row_bytes = decoder->samples == LVT_PNG_RGB ? 3 * width : width;
    const size_t start = decoder->is_grey16 ? width : 0;
    if (png_get_rowbytes(png, decoder->info) != row_bytes - start)
        return fail(decoder, LVT_PNG_UNSUPPORTED, "pixels of another size");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(png, samples + y * row_bytes + start, NULL);
    if (decoder->is_grey16)
        for (uint32_t y = 0; y < height; y++)
            clip_grey16(samples + y * row_bytes, width);
    png_read_end(png, decoder->info);
    fail(decoder, LVT_PNG_DAMAGED, "it was decoded already");
    return LVT_PNG_OK;
}

const uint8_t *lvt_png_exif(lvt_png *decoder, size_t *count) {
    *count = 0;
    if (setjmp(decoder->failure))
        return NULL;
    // As an unknown chunk, for libpng knows it in front of the picture's data only.
    png_unknown_chunkp chunks = NULL;
    const int chunk_count = png_get_unknown_chunks(decoder->png, decoder->info, &chunks);
    for (int i = chunk_count - 1; i >= 0; i--)
        if (!memcmp(chunks[i].name, "eXIf", 4)) {
            *count = chunks[i].size;
            return chunks[i].data;
        }
    return NULL;
}

const char *lvt_png_message(const lvt_png *decoder) {
    return decoder->message;
}

void lvt_png_close(lvt_png *decoder) {
    if (!decoder)
        return;
    if (decoder->png)
        png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder);
}
