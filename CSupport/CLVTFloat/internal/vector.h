// SPDX-License-Identifier: Apache-2.0
//
// One source for every CPU: vector types and loops that the compiler vectorises, cloned for the
// wider instruction sets and chosen when the program starts.
#pragma once
#include "../include/CLVTFloat.h"
#include <math.h>
#include <string.h>

// Clones are chosen before ThreadSanitizer's runtime is there, which their choice would call.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONED
#endif
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

/// e to the power of x <= 0, to 2 units in the last place; at least e^-87. The C library's is a
/// call for every value.
INLINE float exponential(float x) {
    const float power = x < -87 ? -87 : x;
    // In this range the sum with 1.5 * 2^23 rounds to nearest even, and its low bits are an
    // integer.
    const float shifted = power * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    const float r = power - n * 0.693359375f + n * 2.12194440e-4f; // ln 2 in two parts
    float sum = 1.9875691500e-4f;
    sum = sum * r + 1.3981999507e-3f;
    sum = sum * r + 8.3334519073e-3f;
    sum = sum * r + 4.1665795894e-2f;
    sum = sum * r + 1.6666665459e-1f;
    sum = sum * r + 5.0000001201e-1f;
    sum = sum * r * r + r + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

/// The error function to 4e-7: a rational function, fitted for the least relative error.
INLINE float error_function(float x) {
    const float above = x < -3.92f ? -3.92f : x, z = above > 3.92f ? 3.92f : above, u = z * z;
    float p = 2.05008564e-6f, q = 3.80917518e-5f;
    p = p * u + 2.84883776e-4f;
    q = q * u + 1.16254401e-3f;
    p = p * u + 3.76564986e-3f;
    q = q * u + 1.49692819e-2f;
    p = p * u + 5.27488254e-2f;
    q = q * u + 1.14109419e-1f;
    p = p * u + 1.90407187e-1f;
    q = q * u + 5.02076745e-1f;
    p = p * u + 1.12837911f;
    q = q * u + 1;
    const float y = z * p / q, least = y < -1 ? -1 : y;
    return least > 1 ? 1 : least;
}
