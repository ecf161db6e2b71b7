// SPDX-License-Identifier: Apache-2.0

#ifndef LVT_CZLIB_SHIM_H
#define LVT_CZLIB_SHIM_H

#include <zlib.h>

#endif
