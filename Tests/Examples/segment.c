// SPDX-License-Identifier: Apache-2.0
//
// segment MODEL.lvt PICTURE.ppm: writes the class of each pixel as a PGM picture to standard
// output.
#include "lvt.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char message[200];
    lvt_model *model = NULL;
    int width = 0, height = 0;
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!file || fscanf(file, "P6 %5d %5d 255", &width, &height) != 2 || width < 1 || height < 1) {
        fprintf(stderr, "usage: segment MODEL.lvt PICTURE.ppm >MAP.pgm\n");
        return 64;
    }
    fgetc(file); // the line's end
    const size_t area = (size_t)width * (size_t)height;
    void *pixels = malloc(3 * area);
    uint8_t *labels = (uint8_t *)malloc(area);
    const size_t count = pixels ? fread(pixels, 1, 3 * area, file) : 0;
    const lvt_frame frame = {pixels, count, LVT_RGB8, width, height, 0, 0, LVT_BT601};

    if (lvt_model_open(argv[1], NULL, &model, message, sizeof message) != LVT_OK ||
        lvt_model_classify(model, &frame, message, sizeof message) != LVT_OK) {
        fprintf(stderr, "segment: %s\n", message);
        return 1;
    }
    const lvt_status status = lvt_model_label_map(model, labels, area, 0);
    if (status != LVT_OK) {
        fprintf(stderr, "segment: %s\n", lvt_status_text(status));
        return 1;
    }
    printf("P5\n%d %d\n255\n", width, height);
    const size_t written = fwrite(labels, 1, area, stdout);
    lvt_model_close(model);
    free(labels);
    free(pixels);
    fclose(file);
    return written == area ? 0 : 1;
}
