// SPDX-License-Identifier: Apache-2.0
//
// Stands in for CLVTKernels/cpu.c in tools/check-simde: every x86-64 kernel runs.
#include "include/CLVTKernels.h"

uint32_t lvt_cpu_features(void) {
    return LVT_CPU_AVX2 | LVT_CPU_AVXVNNI | LVT_CPU_AVX512VNNI | LVT_CPU_AVX512VBMI;
}
