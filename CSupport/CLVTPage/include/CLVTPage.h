// SPDX-License-Identifier: Apache-2.0
//
// The files of the live page, as they lie in this folder.
#pragma once
#include <stddef.h>

typedef struct {
    const void *bytes;
    size_t count;
} lvt_page_file;

lvt_page_file lvt_page_html(void);
lvt_page_file lvt_page_script(void);
lvt_page_file lvt_page_style(void);
