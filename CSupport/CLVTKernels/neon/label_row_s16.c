// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each column of a grid. NEON.
#include "internal/label_row.h"
#if defined(__aarch64__)

void lvt_label_row_s16__neon(const lvt_label_row_args *l) {
    lvt_label_row(l);
}
#endif
