// SPDX-License-Identifier: Apache-2.0
//
// Functions between BEGIN and END may use the named CPU features. Include intrinsics headers before
// BEGIN, and never call into a region without having asked the CPU: the rest of the target is
// compiled for the architecture's floor.
#pragma once

// a * b + c is two roundings on every CPU. (GCC ignores this and needs -ffp-contract=off.)
#pragma STDC FP_CONTRACT OFF

#define LVT_PRAGMA(x) _Pragma(#x)
#if defined(LVT_TARGET_BEGIN)
// tools/check-simde defines both as nothing.
#elif defined(__clang__)
#define LVT_TARGET_BEGIN(t)                                                                        \
    LVT_PRAGMA(clang attribute push(__attribute__((target(t))), apply_to = function))
#define LVT_TARGET_END LVT_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define LVT_TARGET_BEGIN(t) LVT_PRAGMA(GCC push_options) LVT_PRAGMA(GCC target(t))
#define LVT_TARGET_END LVT_PRAGMA(GCC pop_options)
#endif

// Kernels with constant trip counts are written as loops over arrays of vectors and rely on being
// unrolled into registers.
#define LVT_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define LVT_UNROLL LVT_PRAGMA(clang loop unroll(full))
#define LVT_UNROLL_BY(n) LVT_PRAGMA(clang loop unroll_count(n))
#else
#define LVT_UNROLL LVT_PRAGMA(GCC unroll 16)
#define LVT_UNROLL_BY(n) LVT_PRAGMA(GCC unroll n)
#endif
