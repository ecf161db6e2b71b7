// SPDX-License-Identifier: Apache-2.0
#include "CLVTV4L2.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int call(int camera, unsigned long request, void *argument) {
    int result;
    do
        result = ioctl(camera, request, argument);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

lvt_camera_error lvt_camera_error_of(int status) {
    switch (-status) {
    case ENOENT: return LVT_CAMERA_MISSING;
    case ENOTTY:
    case EISDIR: return LVT_CAMERA_NOT_ONE;
    case EINVAL: return LVT_CAMERA_NO_PICTURES; // S_FMT too: a format that is refused
    case EBUSY: return LVT_CAMERA_BUSY;
    case ENODEV:
    case ENXIO: return LVT_CAMERA_GONE;
    case ETIMEDOUT: return LVT_CAMERA_SILENT;
    case EAGAIN: return LVT_CAMERA_NOTHING_YET;
    default: return LVT_CAMERA_OTHER;
    }
}

static void copy_name(char *out, const void *name, size_t capacity) {
    const size_t length =
        strnlen(name, capacity < LVT_CAMERA_NAME ? capacity : LVT_CAMERA_NAME - 1);
    memcpy(out, name, length);
    out[length] = 0;
}

int lvt_camera_open(const char *path, char *name) {
    const int camera = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (camera < 0)
        return -errno;
    struct v4l2_capability capability = {0};
    int error = call(camera, VIDIOC_QUERYCAP, &capability);
    if (error == -EINVAL)
        error = -ENOTTY; // what some other devices answer
    if (error == 0) {
        const uint32_t can = capability.capabilities & V4L2_CAP_DEVICE_CAPS
                                 ? capability.device_caps
                                 : capability.capabilities;
        if (!(can & V4L2_CAP_VIDEO_CAPTURE) || !(can & V4L2_CAP_STREAMING))
            error = -EINVAL;
        copy_name(name, capability.card, sizeof capability.card);
    }
    if (error == 0)
        return camera;
    close(camera);
    return error;
}

int lvt_camera_format_at(int camera, uint32_t index, uint32_t *code, char *description) {
    struct v4l2_fmtdesc format = {.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    const int error = call(camera, VIDIOC_ENUM_FMT, &format);
    *code = format.pixelformat;
    copy_name(description, format.description, sizeof format.description);
    return error;
}

lvt_camera_colours lvt_camera_colours_of(uint32_t space, uint32_t encoding, uint32_t quantization) {
    if (encoding == V4L2_YCBCR_ENC_DEFAULT)
        encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(space);
    if (quantization == V4L2_QUANTIZATION_DEFAULT)
        quantization = V4L2_MAP_QUANTIZATION_DEFAULT(false, space, encoding);
    lvt_camera_colours colours = {.is_full_range = quantization == V4L2_QUANTIZATION_FULL_RANGE};
    switch (encoding) {
    case V4L2_YCBCR_ENC_709:
    case V4L2_YCBCR_ENC_XV709:
    case V4L2_YCBCR_ENC_BT2020:
    case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
    case V4L2_YCBCR_ENC_SMPTE240M: colours.is_bt709 = true; break;
    default: break;
    }
    return colours;
}

int lvt_camera_set_format(int camera, lvt_camera_format *format) {
    struct v4l2_format f = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    f.fmt.pix.width = format->width;
    f.fmt.pix.height = format->height;
    f.fmt.pix.pixelformat = format->code;
    f.fmt.pix.field = V4L2_FIELD_NONE;
    const int error = call(camera, VIDIOC_S_FMT, &f);
    if (error)
        return error;
    const struct v4l2_pix_format *pixels = &f.fmt.pix;
    *format = (lvt_camera_format){
        .code = pixels->pixelformat,
        .width = pixels->width,
        .height = pixels->height,
        .stride = pixels->bytesperline,
        .colours =
            lvt_camera_colours_of(pixels->colorspace, pixels->ycbcr_enc, pixels->quantization),
    };
    return 0;
}

void lvt_camera_set_rate(int camera, uint32_t *rate) {
    struct v4l2_streamparm parameters = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    struct v4l2_fract *period = &parameters.parm.capture.timeperframe;
    *period = (struct v4l2_fract){1, *rate};
    const int error = call(camera, *rate ? VIDIOC_S_PARM : VIDIOC_G_PARM, &parameters);
    *rate = error || period->numerator == 0 ? 0 : period->denominator / period->numerator;
}

int lvt_camera_give(int camera, uint32_t index) {
    struct v4l2_buffer buffer = {
        .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    return call(camera, VIDIOC_QBUF, &buffer);
}

static int map(int camera, uint32_t index, lvt_camera_buffer *out) {
    struct v4l2_buffer buffer = {
        .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    const int error = call(camera, VIDIOC_QUERYBUF, &buffer);
    if (error)
        return error;
    void *bytes = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, camera, (off_t)buffer.m.offset);
    if (bytes == MAP_FAILED)
        return -errno;
    *out = (lvt_camera_buffer){bytes, buffer.length};
    return lvt_camera_give(camera, index);
}

int lvt_camera_start(int camera, lvt_camera_buffer *buffers) {
    struct v4l2_requestbuffers request = {.count = LVT_CAMERA_MAX_BUFFERS,
                                          .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
                                          .memory = V4L2_MEMORY_MMAP};
    int error = call(camera, VIDIOC_REQBUFS, &request);
    if (error)
        return error;
    memset(buffers, 0, LVT_CAMERA_MAX_BUFFERS * sizeof *buffers);
    // A driver may give more than was asked for; those are left alone.
    const int count =
        request.count < LVT_CAMERA_MAX_BUFFERS ? (int)request.count : LVT_CAMERA_MAX_BUFFERS;
    for (int i = 0; i < count && !error; i++)
        error = map(camera, (uint32_t)i, &buffers[i]);
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (!error)
        error = call(camera, VIDIOC_STREAMON, &type);
    if (!error)
        return count;
    lvt_camera_stop(camera, buffers, count);
    return error;
}

void lvt_camera_stop(int camera, lvt_camera_buffer *buffers, int count) {
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    call(camera, VIDIOC_STREAMOFF, &type);
    for (int i = 0; i < count; i++) {
        if (buffers[i].bytes)
            munmap((void *)buffers[i].bytes, buffers[i].count);
        buffers[i] = (lvt_camera_buffer){0};
    }
    struct v4l2_requestbuffers none = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
                                       .memory = V4L2_MEMORY_MMAP};
    call(camera, VIDIOC_REQBUFS, &none);
}

int lvt_camera_take(int camera,
                    const lvt_camera_buffer *buffers,
                    int count,
                    lvt_camera_picture *picture) {
    struct v4l2_buffer buffer = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    const int error = call(camera, VIDIOC_DQBUF, &buffer);
    if (error)
        return error;
    if (buffer.index >= (uint32_t)count)
        return -EIO;
    const size_t size = buffers[buffer.index].count;
    const bool is_monotonic =
        (buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    *picture = (lvt_camera_picture){
        .index = buffer.index,
        .count = buffer.bytesused < size ? buffer.bytesused : size,
        .sequence = buffer.sequence,
        .nanoseconds = is_monotonic ? (uint64_t)buffer.timestamp.tv_sec * 1000000000u +
                                          (uint64_t)buffer.timestamp.tv_usec * 1000u
                                    : 0,
        .is_damaged = (buffer.flags & V4L2_BUF_FLAG_ERROR) != 0,
    };
    return 0;
}
