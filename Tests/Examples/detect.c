// SPDX-License-Identifier: Apache-2.0
//
// detect MODEL.lvt PICTURE.ppm: prints the objects with scores of 30 % or more, at most 100 of
// them.
#include "lvt.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char message[200];
    lvt_model *model = NULL;
    int width = 0, height = 0;
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!file || fscanf(file, "P6 %5d %5d 255", &width, &height) != 2 || width < 1 || height < 1) {
        fprintf(stderr, "usage: detect MODEL.lvt PICTURE.ppm\n");
        return 64;
    }
    fgetc(file); // the line's end
    const size_t size = (size_t)width * (size_t)height * 3;
    void *pixels = malloc(size);
    const size_t count = pixels ? fread(pixels, 1, size, file) : 0;
    const lvt_frame frame = {pixels, count, LVT_RGB8, width, height, 0, 0, LVT_BT601};

    if (lvt_model_open(argv[1], NULL, &model, message, sizeof message) != LVT_OK ||
        lvt_model_classify(model, &frame, message, sizeof message) != LVT_OK) {
        fprintf(stderr, "detect: %s\n", message);
        return 1;
    }
    lvt_detection found[100];
    const int objects = lvt_model_detections(model, 0.3F, found, 100);
    for (int i = 0; i < objects; i++)
        printf("%s %.1f %% at %.0f,%.0f %.0f×%.0f\n",
               found[i].label,
               found[i].score * 100,
               found[i].x,
               found[i].y,
               found[i].width,
               found[i].height);
    lvt_model_close(model);
    free(pixels);
    fclose(file);
    return 0;
}
