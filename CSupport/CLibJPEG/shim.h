// SPDX-License-Identifier: Apache-2.0

#ifndef LVT_CLIBJPEG_SHIM_H
#define LVT_CLIBJPEG_SHIM_H

// jpeglib.h uses FILE and size_t without including what declares them.
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

#endif
