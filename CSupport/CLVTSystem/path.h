// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits.h>

/// The bytes of a path that lvt_path_text made text. 0 or a negative errno.
int lvt_path_bytes(const char *text, char path[PATH_MAX]);
