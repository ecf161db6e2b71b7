// SPDX-License-Identifier: Apache-2.0
//
// Encodes what PIL cannot, with the system's libjpeg: a PPM on standard input as an
// arithmetic-coded JPEG, or with the argument "huffman" as another, on standard output;
// "progressive" makes it so.
//
//     cc encode.c -ljpeg -o encode
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>

int main(int count, char **arguments) {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned width = 0, height = 0;
    if (scanf("P6 %u %u 255", &width, &height) != 2 || getchar() == EOF)
        return 1;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, stdout);
    info.image_width = width;
    info.image_height = height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 90, TRUE);
    info.arith_code = TRUE;
    for (int i = 1; i < count; i++) {
        if (!strcmp(arguments[i], "huffman"))
            info.arith_code = FALSE;
        if (!strcmp(arguments[i], "progressive"))
            jpeg_simple_progression(&info);
    }
    info.optimize_coding = !info.arith_code;
    jpeg_start_compress(&info, TRUE);
    JSAMPROW row = malloc(3u * width);
    while (row && info.next_scanline < height && fread(row, 3, width, stdin) == width)
        jpeg_write_scanlines(&info, &row, 1);
    jpeg_finish_compress(&info);
    free(row);
    return 0;
}
