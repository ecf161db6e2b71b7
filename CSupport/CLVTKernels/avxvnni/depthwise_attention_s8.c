// SPDX-License-Identifier: Apache-2.0
//
// Depth-wise attention, AVX-VNNI.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")
#include "avxvnni/products.h"

#include "avx2/depthwise_attention.h"

void lvt_depthwise_softmax_s8__avxvnni(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, lvt_depthwise_softmax);
}

void lvt_depthwise_layernorm_s8__avxvnni(const lvt_depthwise_attention_args *a) {
    lvt_depthwise_run(a, lvt_depthwise_layernorm);
}

LVT_TARGET_END
#endif
