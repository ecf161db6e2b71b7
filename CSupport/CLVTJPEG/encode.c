// SPDX-License-Identifier: Apache-2.0
#include "CLVTJPEG.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>
#include <jerror.h>

/// libjpeg's own destination in memory does not say what to free after an error.
typedef struct {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf failure; ///< Where `encode` continues after an error.
    uint8_t *bytes;
    size_t capacity;
    char *message;
} encoder;

static _Noreturn void error_exit(j_common_ptr info) {
    encoder *e = info->client_data;
    info->err->format_message(info, e->message);
    longjmp(e->failure, 1);
}

static void output_message(j_common_ptr info) {
    (void)info;
}

// ---- Where the bytes go -------------------------------------------------------------------------

/// Makes room behind the bytes that are there.
static void grow(encoder *e, size_t held) {
    const size_t capacity = held < 65536 ? 65536 : 2 * held;
    uint8_t *bytes = realloc(e->bytes, capacity);
    if (!bytes)
        ERREXIT1(&e->info, JERR_OUT_OF_MEMORY, 0);
    e->bytes = bytes;
    e->capacity = capacity;
    e->destination.next_output_byte = bytes + held;
    e->destination.free_in_buffer = capacity - held;
}

static void init_destination(j_compress_ptr info) {
    grow(info->client_data, 0);
}

/// Called where all of the room is used, whatever the fields say.
static boolean empty_output_buffer(j_compress_ptr info) {
    encoder *e = info->client_data;
    grow(e, e->capacity);
    return TRUE;
}

static void term_destination(j_compress_ptr info) {
    (void)info;
}

// ---- Encoding -----------------------------------------------------------------------------------

static lvt_jpeg_status encode(encoder *e,
                              const uint8_t *rgb,
                              uint32_t width,
                              uint32_t height,
                              int quality,
                              bool halves_chroma) {
    struct jpeg_compress_struct *info = &e->info;
    info->err = jpeg_std_error(&e->errors);
    info->err->error_exit = error_exit;
    info->err->output_message = output_message;
    info->client_data = e;
    if (setjmp(e->failure))
        return info->err->msg_code == JERR_OUT_OF_MEMORY ? LVT_JPEG_NO_MEMORY
                                                         : LVT_JPEG_UNSUPPORTED;
    jpeg_create_compress(info);
    e->destination.init_destination = init_destination;
    e->destination.empty_output_buffer = empty_output_buffer;
    e->destination.term_destination = term_destination;
    info->dest = &e->destination;
    info->image_width = width;
    info->image_height = height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = halves_chroma ? 2 : 1;
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        JSAMPROW row = (JSAMPROW)(rgb + (size_t)info->next_scanline * width * 3);
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
    return LVT_JPEG_OK;
}

lvt_jpeg_status lvt_jpeg_encode(const uint8_t *rgb,
                                uint32_t width,
                                uint32_t height,
                                int quality,
                                bool halves_chroma,
                                uint8_t **bytes,
                                size_t *count,
                                char message[LVT_JPEG_MESSAGE]) {
    _Static_assert(LVT_JPEG_MESSAGE >= JMSG_LENGTH_MAX, "libjpeg's messages fit");
    *bytes = NULL;
    *count = 0;
    message[0] = 0;
    encoder *e = calloc(1, sizeof *e);
    if (!e) {
        snprintf(message, LVT_JPEG_MESSAGE, "no memory");
        return LVT_JPEG_NO_MEMORY;
    }
    e->message = message;
    const lvt_jpeg_status status = encode(e, rgb, width, height, quality, halves_chroma);
    if (status == LVT_JPEG_OK) {
        *bytes = e->bytes;
        *count = e->capacity - e->destination.free_in_buffer;
    } else {
        free(e->bytes);
    }
    jpeg_destroy_compress(&e->info);
    free(e);
    return status;
}

void lvt_jpeg_free(uint8_t *bytes) {
    free(bytes);
}
