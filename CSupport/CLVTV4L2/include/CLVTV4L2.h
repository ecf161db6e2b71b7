// SPDX-License-Identifier: Apache-2.0
//
// V4L2's ioctls for cameras with one plane a picture, as functions: Embedded Swift cannot call
// variadic ones. Functions that can fail return a negative errno.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LVT_CAMERA_NAME = 33, LVT_CAMERA_MAX_BUFFERS = 8 };

/// The code of a pixel format, as in lvt_camera_code('Y', 'U', 'Y', 'V').
static inline uint32_t lvt_camera_code(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return (uint32_t)a | (uint32_t)b << 8 | (uint32_t)c << 16 | (uint32_t)d << 24;
}

/// What a negative errno of these functions means.
typedef enum {
    LVT_CAMERA_OTHER,
    LVT_CAMERA_MISSING,
    LVT_CAMERA_NOT_ONE,
    LVT_CAMERA_NO_PICTURES,
    LVT_CAMERA_BUSY,
    LVT_CAMERA_GONE,
    LVT_CAMERA_SILENT,
    LVT_CAMERA_NOTHING_YET
} lvt_camera_error;
lvt_camera_error lvt_camera_error_of(int status);

/// Opens a camera and copies its name, LVT_CAMERA_NAME bytes: a descriptor. -ENOTTY if it is no
/// V4L2 device, -EINVAL if it is one that gives no pictures in a way that is read here.
int lvt_camera_open(const char *path, char *name);

/// The `index`th pixel format that a camera offers, with its description, LVT_CAMERA_NAME bytes.
/// -EINVAL behind the last.
int lvt_camera_format_at(int camera, uint32_t index, uint32_t *code, char *description);

typedef struct {
    bool is_full_range; ///< Luma and chroma use all of 0 ... 255.
    bool is_bt709;      ///< They are those of BT.709; else of BT.601.
} lvt_camera_colours;

/// What V4L2's words for a format's colour space, its encoding and its quantization mean, 0 for
/// each being what the others say. Other standards of high definition count as BT.709,
/// which is closer to them.
lvt_camera_colours lvt_camera_colours_of(uint32_t space, uint32_t encoding, uint32_t quantization);

typedef struct {
    uint32_t code;
    uint32_t width, height;
    uint32_t stride; ///< Bytes from row to row; 0 if the driver does not say.
    lvt_camera_colours colours;
} lvt_camera_format;

/// Asks for a format; the driver's answer, which may be another, replaces it.
int lvt_camera_set_format(int camera, lvt_camera_format *format);
/// Asks for pictures a second; the answer replaces it, 0 if the driver does not say.
void lvt_camera_set_rate(int camera, uint32_t *rate);

typedef struct {
    const uint8_t *bytes;
    size_t count;
} lvt_camera_buffer;

/// Maps up to LVT_CAMERA_MAX_BUFFERS buffers, hands them to the driver and starts the stream: how
/// many. After an error nothing is mapped.
int lvt_camera_start(int camera, lvt_camera_buffer *buffers);
/// Stops the stream and unmaps the buffers.
void lvt_camera_stop(int camera, lvt_camera_buffer *buffers, int count);

typedef struct {
    uint32_t index;       ///< Of the buffer, checked to be one of them.
    size_t count;         ///< Bytes of it that are used, at most its size.
    uint32_t sequence;    ///< Counts the camera's pictures, lost ones too.
    uint64_t nanoseconds; ///< On lvt_nanoseconds' clock, or 0.
    bool is_damaged;      ///< The driver says that the picture has errors.
} lvt_camera_picture;

/// Takes the oldest picture out of the queue: 0, or -EAGAIN if there is none.
int lvt_camera_take(int camera,
                    const lvt_camera_buffer *buffers,
                    int count,
                    lvt_camera_picture *picture);
/// Hands a buffer back to the driver.
int lvt_camera_give(int camera, uint32_t index);
