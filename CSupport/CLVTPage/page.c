// SPDX-License-Identifier: Apache-2.0
#include "CLVTPage.h"

// Clang has #embed in all of its dialects, and says each time that it is new.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char html[] = {
#embed "page.html"
};
static const unsigned char script[] = {
#embed "page.js"
};
static const unsigned char style[] = {
#embed "page.css"
};

lvt_page_file lvt_page_html(void) {
    return (lvt_page_file){html, sizeof html};
}

lvt_page_file lvt_page_script(void) {
    return (lvt_page_file){script, sizeof script};
}

lvt_page_file lvt_page_style(void) {
    return (lvt_page_file){style, sizeof style};
}
