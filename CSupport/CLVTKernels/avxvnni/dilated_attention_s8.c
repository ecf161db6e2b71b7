// SPDX-License-Identifier: Apache-2.0
//
// Dilated attention, AVX-VNNI.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")
#include "avxvnni/products.h"

#include "avx2/dilated_attention.h"

void lvt_dilated_attention_s8__avxvnni(const lvt_dilated_attention_args *a) {
    lvt_dilated_run_usual(a, lvt_dilated_weigh, lvt_dilated_add_values);
}

LVT_TARGET_END
#endif
