// SPDX-License-Identifier: Apache-2.0
//
// Every kernel there is: LVT_KERNEL(operation, ISA, CPU features it needs), best last within an
// architecture. Declarations, dispatch, the kernel check and the benchmark all read this list.

// clang-format off
LVT_KERNEL(gemm_s8,         scalar,     0)
LVT_KERNEL(dwconv_s8,       scalar,     0)
LVT_KERNEL(pack_dwconv_f32, scalar,     0)
LVT_KERNEL(pair_pixels_s8,  scalar,     0)
LVT_KERNEL(posconv_s16,     scalar,     0)
LVT_KERNEL(layernorm,       scalar,     0)
LVT_KERNEL(table_s8,        scalar,     0)
LVT_KERNEL(column_sums_s8,  scalar,     0)
LVT_KERNEL(patches_u8,      scalar,     0)
LVT_KERNEL(attention_s8,    scalar,     0)
#if defined(__x86_64__)
LVT_KERNEL(gemm_s8,         avx2,       LVT_CPU_AVX2)
LVT_KERNEL(dwconv_s8,       avx2,       LVT_CPU_AVX2)
LVT_KERNEL(pack_dwconv_f32, avx2,       LVT_CPU_AVX2)
LVT_KERNEL(pair_pixels_s8,  avx2,       LVT_CPU_AVX2)
LVT_KERNEL(posconv_s16,     avx2,       LVT_CPU_AVX2)
LVT_KERNEL(layernorm,       avx2,       LVT_CPU_AVX2)
LVT_KERNEL(table_s8,        avx2,       LVT_CPU_AVX2)
LVT_KERNEL(column_sums_s8,  avx2,       LVT_CPU_AVX2)
LVT_KERNEL(attention_s8,    avx2,       LVT_CPU_AVX2)
LVT_KERNEL(gemm_s8,         avxvnni,    LVT_CPU_AVX2 | LVT_CPU_AVXVNNI)
LVT_KERNEL(dwconv_s8,       avxvnni,    LVT_CPU_AVX2 | LVT_CPU_AVXVNNI)
LVT_KERNEL(gemm_s8,         avx512vnni, LVT_CPU_AVX2 | LVT_CPU_AVX512VNNI)
LVT_KERNEL(dwconv_s8,       avx512vnni, LVT_CPU_AVX2 | LVT_CPU_AVX512VNNI)
LVT_KERNEL(table_s8,        avx512vbmi, LVT_CPU_AVX2 | LVT_CPU_AVX512VNNI | LVT_CPU_AVX512VBMI)
#elif defined(__aarch64__)
LVT_KERNEL(gemm_s8,         neon,       LVT_CPU_NEON)
LVT_KERNEL(dwconv_s8,       neon,       LVT_CPU_NEON)
LVT_KERNEL(pair_pixels_s8,  neon,       LVT_CPU_NEON)
LVT_KERNEL(posconv_s16,     neon,       LVT_CPU_NEON)
LVT_KERNEL(layernorm,       neon,       LVT_CPU_NEON)
LVT_KERNEL(table_s8,        neon,       LVT_CPU_NEON)
LVT_KERNEL(column_sums_s8,  neon,       LVT_CPU_NEON)
LVT_KERNEL(gemm_s8,         neondot,    LVT_CPU_NEON | LVT_CPU_NEONDOT)
LVT_KERNEL(dwconv_s8,       neondot,    LVT_CPU_NEON | LVT_CPU_NEONDOT)
#endif
// clang-format on
