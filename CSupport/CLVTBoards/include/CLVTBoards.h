// SPDX-License-Identifier: Apache-2.0
//
// The files boards/NAME/board.json, so that lvt-plan knows the boards wherever it lies.
#pragma once
#include <stddef.h>

typedef struct {
    const char *name;
    const void *bytes;
    size_t count;
} lvt_board_file;

size_t lvt_board_count(void);
/// A board, in the order of the names; `index` is less than lvt_board_count.
lvt_board_file lvt_board_at(size_t index);
