// SPDX-License-Identifier: Apache-2.0
#include "lvt.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *lvt_version(void) {
    return TEXT(LVT_VERSION_MAJOR) "." TEXT(LVT_VERSION_MINOR);
}
