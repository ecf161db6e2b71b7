// SPDX-License-Identifier: Apache-2.0
#include "CLVTJPEG.h"
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

/// Memory that libjpeg takes for one picture after another. Its own manager would return it after
/// each to the system and ask for it again.
typedef struct block {
    struct block *next;
    size_t size, used;
    _Alignas(64) uint8_t bytes[];
} block;

struct lvt_jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failure; ///< Where the function that called libjpeg continues after an error.
    size_t count;    ///< Bytes of the open picture.
    uint64_t work;   ///< Blocks that its scans have gone over.
    bool is_reading_scans;
    lvt_jpeg_status status;
    char message[JMSG_LENGTH_MAX];
    bool is_created;
    block *blocks;
    size_t reserved;
};

static lvt_jpeg_status fail(lvt_jpeg *decoder, lvt_jpeg_status status, const char *message) {
    snprintf(decoder->message, sizeof decoder->message, "%s", message);
    return decoder->status = status;
}

static void free_blocks(lvt_jpeg *decoder) {
    for (block *next, *b = decoder->blocks; b; b = next) {
        next = b->next;
        free(b);
    }
    decoder->blocks = NULL;
    decoder->reserved = 0;
}

/// Leaves no picture to decode, and none of a picture's tables: a damaged file without its own
/// would decode with those.
static void close_picture(lvt_jpeg *decoder) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (decoder->is_created)
        jpeg_abort_decompress(info);
    for (int i = 0; i < NUM_QUANT_TBLS; i++)
        info->quant_tbl_ptrs[i] = NULL;
    for (int i = 0; i < NUM_HUFF_TBLS; i++)
        info->dc_huff_tbl_ptrs[i] = info->ac_huff_tbl_ptrs[i] = NULL;
    for (block *b = decoder->blocks; b; b = b->next)
        b->used = 0;
    // Pictures of many sizes must not add up to the limit.
    if (decoder->reserved > LVT_JPEG_MAX_MEMORY / 8)
        free_blocks(decoder);
    fail(decoder, LVT_JPEG_DAMAGED, "no picture is open");
}

// ---- What libjpeg calls -------------------------------------------------------------------------

static lvt_jpeg_status status_of(int code) {
    switch (code) {
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF: return LVT_JPEG_TRUNCATED;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_NOTIMPL:
    case JERR_SOF_UNSUPPORTED: return LVT_JPEG_UNSUPPORTED;
    case JERR_NO_BACKING_STORE: // libjpeg would go on in a temporary file
    case JERR_WIDTH_OVERFLOW: return LVT_JPEG_TOO_LARGE;
    case JERR_OUT_OF_MEMORY: return LVT_JPEG_NO_MEMORY;
    default: return LVT_JPEG_DAMAGED;
    }
}

static _Noreturn void error_exit(j_common_ptr info) {
    lvt_jpeg *decoder = info->client_data;
    decoder->status = status_of(info->err->msg_code);
    if (info->err->msg_code == JERR_NO_BACKING_STORE)
        fail(decoder, LVT_JPEG_TOO_LARGE, "its coefficients need too much memory");
    else
        info->err->format_message(info, decoder->message);
    longjmp(decoder->failure, 1);
}

// Warnings have a negative level; the others only trace.
static void emit_message(j_common_ptr info, int level) {
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    // These cost no pixel. Cameras pad between markers; the other three are odd values in headers
    // which the decoder does not need.
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL: return;
    // libjpeg invents pixels after any other. A network's opinion of them would be worthless.
    default: error_exit(info);
    }
}

static void output_message(j_common_ptr info) {
    (void)info;
}

/// A picture of several scans may have so many blocks for each of its bytes: several times as many
/// as a picture of one colour, whose scans have a bit for each block, or none.
enum { BLOCKS_PER_BYTE = 128 };

/// Blocks that few bytes may stand for, all scans together: those of a picture of one colour and
/// 1920 x 1080 pixels, which arithmetic coding writes in a hundred bytes.
enum { FREE_BLOCKS = 1 << 16, FREE_WORK = 1 << 18 };

/// Called for each row of blocks of each scan where there are several, and for each row of pixels.
static void limit_work(j_common_ptr common) {
    lvt_jpeg *decoder = common->client_data;
    struct jpeg_decompress_struct *info = &decoder->info;
    if (info->input_scan_number > LVT_JPEG_MAX_SCANS) {
        fail(decoder, LVT_JPEG_TOO_LARGE, "it has more scans than any sensible picture");
        longjmp(decoder->failure, 1);
    }
    if (!decoder->is_reading_scans)
        return;
    const uint64_t rows = info->comps_in_scan == 1 ? info->cur_comp_info[0]->v_samp_factor : 1;
    decoder->work += rows * info->MCUs_per_row * (uint64_t)info->blocks_in_MCU;
    if (decoder->work > FREE_WORK && decoder->work / BLOCKS_PER_BYTE > decoder->count) {
        fail(decoder, LVT_JPEG_TOO_LARGE, "too few bytes for its scans");
        longjmp(decoder->failure, 1);
    }
}

// ---- Memory -------------------------------------------------------------------------------------

/// Memory until the picture is closed, at a multiple of 64.
static void *take(j_common_ptr info, size_t bytes) {
    lvt_jpeg *decoder = info->client_data;
    bytes = (bytes + 63) / 64 * 64;
    block *found = decoder->blocks;
    while (found && found->size - found->used < bytes)
        found = found->next;
    if (!found) {
        const size_t size = bytes < 65536 ? 65536 : bytes;
        if (size > LVT_JPEG_MAX_MEMORY - decoder->reserved) {
            fail(decoder, LVT_JPEG_TOO_LARGE, "it needs too much memory");
            longjmp(decoder->failure, 1);
        }
        found = aligned_alloc(64, sizeof(block) + size);
        if (!found) {
            fail(decoder, LVT_JPEG_NO_MEMORY, "no memory");
            longjmp(decoder->failure, 1);
        }
        *found = (block){decoder->blocks, size, 0};
        decoder->blocks = found;
        decoder->reserved += size;
    }
    void *memory = found->bytes + found->used;
    found->used += bytes;
    return memory;
}

static void *alloc_pool(j_common_ptr info, int pool, size_t bytes) {
    (void)pool;
    if (bytes > LVT_JPEG_MAX_MEMORY)
        bytes = LVT_JPEG_MAX_MEMORY; // which `take` refuses
    return take(info, bytes);
}

/// Rows start at a multiple of 64 and may be written up to the next, as libjpeg-turbo's SIMD code
/// does.
static void **alloc_rows(j_common_ptr info, size_t row_bytes, JDIMENSION rows) {
    const size_t pitch = (row_bytes + 63) / 64 * 64;
    uint64_t bytes = 0;
    if (__builtin_mul_overflow((uint64_t)pitch, (uint64_t)rows, &bytes) ||
        bytes > LVT_JPEG_MAX_MEMORY)
        bytes = LVT_JPEG_MAX_MEMORY + 1u; // which `take` refuses
    void **pointers = take(info, rows * sizeof(void *));
    uint8_t *memory = take(info, (size_t)bytes);
    for (JDIMENSION i = 0; i < rows; i++)
        pointers[i] = memory + i * pitch;
    return pointers;
}

static JSAMPARRAY alloc_sarray(j_common_ptr info, int pool, JDIMENSION samples, JDIMENSION rows) {
    (void)pool;
    return (JSAMPARRAY)alloc_rows(info, (size_t)samples * sizeof(JSAMPLE), rows);
}

static JBLOCKARRAY alloc_barray(j_common_ptr info, int pool, JDIMENSION blocks, JDIMENSION rows) {
    (void)pool;
    return (JBLOCKARRAY)alloc_rows(info, (size_t)blocks * sizeof(JBLOCK), rows);
}

/// Makes the decompressor that serves all pictures.
static void create(lvt_jpeg *decoder) {
    struct jpeg_decompress_struct *info = &decoder->info;
    info->err = jpeg_std_error(&decoder->errors);
    info->err->error_exit = error_exit;
    info->err->emit_message = emit_message;
    info->err->output_message = output_message;
    info->client_data = decoder;
    jpeg_create_decompress(info);
    decoder->is_created = true;
    decoder->progress.progress_monitor = limit_work;
    info->progress = &decoder->progress;
    // The source's memory stays, so it comes from libjpeg's own manager. What that manager keeps
    // for progressive pictures, it frees itself.
    jpeg_mem_src(info, (unsigned char[]){0xff}, 1);
    info->mem->max_memory_to_use = LVT_JPEG_MAX_MEMORY;
    info->mem->alloc_small = alloc_pool;
    info->mem->alloc_large = alloc_pool;
    info->mem->alloc_sarray = alloc_sarray;
    info->mem->alloc_barray = alloc_barray;
}

// ---- Opening ------------------------------------------------------------------------------------

lvt_jpeg *lvt_jpeg_create(void) {
    lvt_jpeg *decoder = calloc(1, sizeof(lvt_jpeg));
    if (decoder)
        close_picture(decoder);
    return decoder;
}

void lvt_jpeg_destroy(lvt_jpeg *decoder) {
    if (!decoder)
        return;
    if (decoder->is_created)
        jpeg_destroy_decompress(&decoder->info);
    free_blocks(decoder);
    free(decoder);
}

const char *lvt_jpeg_message(const lvt_jpeg *decoder) {
    return decoder->message;
}

/// Whether so many bytes can hold the picture at all: each block starts with a Huffman code, of a
/// bit or more. It keeps a file of a hundred bytes from making the caller allocate 300 MB.
/// Arithmetic coding takes less where the picture is of one colour, but not for a photograph.
static bool is_long_enough(const struct jpeg_decompress_struct *info, size_t count) {
    uint64_t blocks = 0;
    for (int i = 0; i < info->num_components; i++) {
        const jpeg_component_info *component = &info->comp_info[i];
        blocks += (uint64_t)component->width_in_blocks * component->height_in_blocks;
    }
    return blocks <= FREE_BLOCKS || blocks / 8 <= count;
}

lvt_jpeg_status lvt_jpeg_open(
    lvt_jpeg *decoder, const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height) {
    struct jpeg_decompress_struct *info = &decoder->info;
    close_picture(decoder);
    fail(decoder, LVT_JPEG_OK, "");
    if (count == 0)
        return fail(decoder, LVT_JPEG_TRUNCATED, "it is empty");
    decoder->count = count;
    decoder->work = 0;
    decoder->is_reading_scans = false;

    if (setjmp(decoder->failure))
        return decoder->status;
    if (!decoder->is_created)
        create(decoder);
    jpeg_mem_src(info, (unsigned char *)bytes, count); // older headers lack the const
    jpeg_read_header(info, TRUE);

    if (info->data_precision != 8)
        return fail(decoder, LVT_JPEG_UNSUPPORTED, "its samples have not 8 bits");
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_RGB:
    case JCS_YCbCr: info->out_color_space = JCS_RGB; break;
    case JCS_CMYK:
    case JCS_YCCK: info->out_color_space = JCS_CMYK; break;
    default:
        return fail(decoder, LVT_JPEG_UNSUPPORTED, "its colours are neither grey, RGB nor CMYK");
    }
    *width = info->image_width;
    *height = info->image_height;
    if ((uint64_t)info->image_width * info->image_height > LVT_JPEG_MAX_PIXELS)
        return fail(decoder, LVT_JPEG_TOO_LARGE, "it has more than 178 million pixels");
    if (!is_long_enough(info, count))
        return fail(decoder, LVT_JPEG_TRUNCATED, "too few bytes for a picture of its size");
    return LVT_JPEG_OK;
}

// ---- Decoding -----------------------------------------------------------------------------------

/// a · b / 255, rounded.
static inline uint32_t multiply(uint32_t a, uint32_t b) {
    const uint32_t product = a * b + 128;
    return (product + (product >> 8)) >> 8;
}

/// Files hold CMYK inverted, as Adobe does; PIL takes that for granted, marker or not.
static void rgb_from_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, uint32_t width) {
    for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int i = 0; i < 3; i++)
            rgb[i] = (uint8_t)(cmyk[3] - multiply(255u - cmyk[i], cmyk[3]));
}

/// Rows that are decoded before they are put where they belong, so that the pixels of a turned
/// picture are written several side by side.
enum { STRIP = 16 };

static void place(JSAMPARRAY rows,
                  JDIMENSION count,
                  uint8_t *pixels,
                  JDIMENSION width,
                  ptrdiff_t column_step,
                  ptrdiff_t row_step) {
    for (JDIMENSION x = 0; x < width; x++)
        for (JDIMENSION y = 0; y < count; y++)
            memcpy(
                pixels + (ptrdiff_t)x * column_step + (ptrdiff_t)y * row_step, rows[y] + 3 * x, 3);
}

lvt_jpeg_status
lvt_jpeg_decode(lvt_jpeg *decoder, uint8_t *pixels, ptrdiff_t column_step, ptrdiff_t row_step) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (decoder->status != LVT_JPEG_OK)
        return decoder->status;
    if (setjmp(decoder->failure))
        return decoder->status;
    decoder->is_reading_scans = true;
    jpeg_start_decompress(info);
    decoder->is_reading_scans = false;
    const JDIMENSION width = info->output_width;
    JSAMPARRAY cmyk = NULL, strip = NULL;
    if (info->out_color_space == JCS_CMYK)
        cmyk = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, width * 4, 1);
    if (column_step != 3)
        strip = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, width * 3, STRIP);
    JDIMENSION held = 0;
    while (info->output_scanline < info->output_height) {
        uint8_t *const place_of_row = pixels + (ptrdiff_t)info->output_scanline * row_step;
        JSAMPROW row = strip ? strip[held] : place_of_row;
        jpeg_read_scanlines(info, cmyk ? cmyk : &row, 1);
        if (cmyk)
            rgb_from_inverted_cmyk(cmyk[0], row, width);
        if (strip && (++held == STRIP || info->output_scanline == info->output_height)) {
            place(strip,
                  held,
                  place_of_row - (ptrdiff_t)(held - 1) * row_step,
                  width,
                  column_step,
                  row_step);
            held = 0;
        }
    }
    jpeg_finish_decompress(info); // reads on to the end marker, so that a missing one is noticed
    close_picture(decoder);
    return LVT_JPEG_OK;
}
