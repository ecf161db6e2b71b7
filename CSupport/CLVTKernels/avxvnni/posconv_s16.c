// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise convolution with taps of each position, AVX-VNNI.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")
#include "avxvnni/products.h"

#include "avx2/posconv.h"

void lvt_posconv_s16__avxvnni(const lvt_posconv_args *a) {
    lvt_posconv_run(a);
}

LVT_TARGET_END
#endif
