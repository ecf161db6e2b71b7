// SPDX-License-Identifier: Apache-2.0
#include "include/CLVTKernels.h"

#if defined(__x86_64__)
#include <cpuid.h>

// The operating system must save the wide registers too: XCR0 bits 1-2 for AVX, 5-7 for AVX-512.
static uint32_t saved_registers(void) {
    uint32_t eax, edx;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

uint32_t lvt_cpu_features(void) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
        return 0;
    const uint32_t saved = saved_registers();
    if ((saved & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        return 0;
    uint32_t features = 0;
    if (ebx & bit_AVX2)
        features |= LVT_CPU_AVX2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    if ((saved & 0xe0) == 0xe0 && (ebx & avx512) == avx512 && (ecx & bit_AVX512VNNI)) {
        features |= LVT_CPU_AVX512VNNI;
        if (ecx & bit_AVX512VBMI)
            features |= LVT_CPU_AVX512VBMI;
    }
    if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & (1u << 4)))
        features |= LVT_CPU_AVXVNNI;
    return features;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

// HWCAP_ASIMDDP and HWCAP2_I8MM of the kernel's asm/hwcap.h, named here because older headers lack
// them.
enum { HWCAP_DOT_PRODUCT = 1 << 20, HWCAP2_MATRIX_PRODUCT = 1 << 13 };

uint32_t lvt_cpu_features(void) {
    uint32_t features = LVT_CPU_NEON;
    if (getauxval(AT_HWCAP) & HWCAP_DOT_PRODUCT)
        features |= LVT_CPU_NEONDOT;
    if (getauxval(AT_HWCAP2) & HWCAP2_MATRIX_PRODUCT)
        features |= LVT_CPU_NEONI8MM;
    return features;
}

#else
uint32_t lvt_cpu_features(void) {
    return 0;
}
#endif
