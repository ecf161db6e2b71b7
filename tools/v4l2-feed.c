// SPDX-License-Identifier: Apache-2.0
//
// feed DEVICE FILE...: writes JPEG files to a v4l2loopback device, 20 a second, again and again.
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int count, char **arguments) {
    const int device = open(arguments[1], O_RDWR);
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    format.fmt.pix.width = 640;
    format.fmt.pix.height = 480;
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
    format.fmt.pix.sizeimage = 1 << 19;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    if (device < 0 || ioctl(device, VIDIOC_S_FMT, &format) < 0) {
        perror(arguments[1]);
        return 1;
    }
    static char bytes[1 << 19];
    for (int i = 2;; i = i + 1 < count ? i + 1 : 2) {
        FILE *file = fopen(arguments[i], "rb");
        if (!file)
            return 1;
        const size_t length = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (write(device, bytes, length) < 0) {
            perror("write");
            return 1;
        }
        usleep(50000);
    }
}
