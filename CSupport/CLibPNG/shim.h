// SPDX-License-Identifier: Apache-2.0

#ifndef LVT_CLIBPNG_SHIM_H
#define LVT_CLIBPNG_SHIM_H

#include <png.h>

#endif
