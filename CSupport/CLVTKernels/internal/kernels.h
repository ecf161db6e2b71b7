// SPDX-License-Identifier: Apache-2.0
//
// Declares every function of the kernel list.
#pragma once
#include "include/CLVTKernels.h"

typedef lvt_gemm_fn lvt_fn_gemm_s8;
typedef lvt_dwconv_fn lvt_fn_dwconv_s8;
typedef lvt_pack_dwconv_fn lvt_fn_pack_dwconv_f32;
typedef lvt_pair_pixels_fn lvt_fn_pair_pixels_s8;
typedef lvt_posconv_fn lvt_fn_posconv_s16;
typedef lvt_layernorm_fn lvt_fn_layernorm;
typedef lvt_table_fn lvt_fn_table_s8;
typedef lvt_column_sums_fn lvt_fn_column_sums_s8;
typedef lvt_centre_fn lvt_fn_centre_u8;
typedef lvt_attention_fn lvt_fn_attention_s8;
typedef lvt_narrow_fn lvt_fn_narrow_s16;
typedef lvt_dilated_attention_fn lvt_fn_dilated_attention_s8;
typedef lvt_depthwise_attention_fn lvt_fn_depthwise_softmax_s8;
typedef lvt_depthwise_attention_fn lvt_fn_depthwise_layernorm_s8;
typedef lvt_taps_fn lvt_fn_taps_s8;
typedef lvt_pixels_fn lvt_fn_pixels_s8;
typedef lvt_pixels_fn lvt_fn_pixels_u8;
typedef lvt_yuv_rgb_fn lvt_fn_yuv_rgb_u8;
typedef lvt_packed_rgb_fn lvt_fn_packed_rgb_u8;
typedef lvt_resample_row_fn lvt_fn_resample_row_u8;
typedef lvt_resample_rows_fn lvt_fn_resample_rows_u8;
typedef lvt_resample_fn lvt_fn_resample_s8;
typedef lvt_region_row_fn lvt_fn_region_row_s8;
typedef lvt_greatest_fn lvt_fn_greatest_s16;
typedef lvt_label_row_fn lvt_fn_label_row_s16;

#define LVT_KERNEL(op, isa, features) lvt_fn_##op lvt_##op##__##isa;
#include "internal/kernel_list.h"
#undef LVT_KERNEL
