// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each column of a grid. AVX2.
#include "internal/label_row.h"
#if defined(__x86_64__)
LVT_TARGET_BEGIN("avx2")

void lvt_label_row_s16__avx2(const lvt_label_row_args *l) {
    lvt_label_row(l);
}

LVT_TARGET_END
#endif
