// SPDX-License-Identifier: Apache-2.0
//
// Stands in for the compiler's header in tools/check-simde: SIMDe gives the meaning of each
// intrinsic in portable C. What SIMDe 0.7.4 lacks of the ones that the kernels use is below.
#pragma once
#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <string.h>

typedef simde__mmask64 __mmask64;
typedef simde__mmask32 __mmask32;
typedef simde__mmask16 __mmask16;
#define _mm256_dpbusd_avx_epi32(sum, u, s) simde_mm256_dpbusd_epi32(sum, u, s)
#define _mm256_dpwssd_avx_epi32(sum, a, b) simde_mm256_dpwssd_epi32(sum, a, b)

static inline __m512 _mm512_cvtepi32_ps(__m512i v) {
    int32_t in[16];
    float out[16];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++)
        out[i] = (float)in[i];
    memcpy(&v, out, sizeof out);
    return simde_mm512_castsi512_ps(v);
}

static inline __m512i _mm512_cvtps_epi32(__m512 v) {
    float in[16];
    int32_t out[16];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++) // the default rounding mode; out of range is INT32_MIN
        out[i] = in[i] >= -0x1p31f && in[i] < 0x1p31f ? (int32_t)__builtin_rintf(in[i]) : INT32_MIN;
    __m512i result;
    memcpy(&result, out, sizeof out);
    return result;
}

static inline __m512i _mm512_cvtepi8_epi32(__m128i v) {
    int8_t in[16];
    int32_t out[16];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++)
        out[i] = in[i];
    __m512i result;
    memcpy(&result, out, sizeof out);
    return result;
}

static inline __m512i _mm512_cvtepi16_epi32(__m256i v) {
    int16_t in[16];
    int32_t out[16];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++)
        out[i] = in[i];
    __m512i result;
    memcpy(&result, out, sizeof out);
    return result;
}

// Masked-out lanes are not touched, so operands may end at an inaccessible page.
#define LVT_MASKED_LOAD(name, vector, mask_type, lane)                                             \
    static inline vector name(mask_type mask, const void *from) {                                  \
        lane out[sizeof(vector) / sizeof(lane)];                                                   \
        for (size_t i = 0; i < sizeof(vector) / sizeof(lane); i++)                                 \
            out[i] = mask >> i & 1 ? ((const lane *)from)[i] : 0;                                  \
        vector result;                                                                             \
        memcpy(&result, out, sizeof out);                                                          \
        return result;                                                                             \
    }
#define LVT_MASKED_STORE(name, vector, mask_type, lane)                                            \
    static inline void name(void *to, mask_type mask, vector v) {                                  \
        lane in[sizeof(vector) / sizeof(lane)];                                                    \
        memcpy(in, &v, sizeof in);                                                                 \
        for (size_t i = 0; i < sizeof(vector) / sizeof(lane); i++)                                 \
            if (mask >> i & 1)                                                                     \
                ((lane *)to)[i] = in[i];                                                           \
    }
LVT_MASKED_LOAD(_mm512_maskz_loadu_epi8, __m512i, __mmask64, int8_t)
LVT_MASKED_LOAD(_mm256_maskz_loadu_epi8, __m256i, __mmask32, int8_t)
LVT_MASKED_LOAD(_mm_maskz_loadu_epi8, __m128i, __mmask16, int8_t)
LVT_MASKED_LOAD(_mm512_maskz_loadu_epi16, __m512i, __mmask32, int16_t)
LVT_MASKED_STORE(_mm512_mask_storeu_epi8, __m512i, __mmask64, int8_t)
LVT_MASKED_STORE(_mm256_mask_storeu_epi8, __m256i, __mmask32, int8_t)
LVT_MASKED_STORE(_mm_mask_storeu_epi8, __m128i, __mmask16, int8_t)

static inline __m512i _mm512_mask_loadu_epi32(__m512i other, __mmask16 mask, const void *from) {
    int32_t out[16];
    memcpy(out, &other, sizeof out);
    for (int i = 0; i < 16; i++)
        out[i] = mask >> i & 1 ? ((const int32_t *)from)[i] : out[i];
    memcpy(&other, out, sizeof out);
    return other;
}

static inline __mmask16 _mm_mask_cmpeq_epi8_mask(__mmask16 mask, __m128i a, __m128i b) {
    return mask & (__mmask16)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
}

static inline __m512d _mm512_cvtepi32_pd(__m256i v) {
    int32_t in[8];
    double out[8];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 8; i++)
        out[i] = in[i];
    __m512d result;
    memcpy(&result, out, sizeof out);
    return result;
}

static inline __m512i _mm512_cvtepi32_epi64(__m256i v) {
    int32_t in[8];
    int64_t out[8];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 8; i++)
        out[i] = in[i];
    __m512i result;
    memcpy(&result, out, sizeof out);
    return result;
}

static inline __m256 _mm512_cvtepi64_ps(__m512i v) {
    int64_t in[8];
    float out[8];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 8; i++)
        out[i] = (float)in[i];
    __m256 result;
    memcpy(&result, out, sizeof out);
    return result;
}

static inline __m256 _mm512_cvtpd_ps(__m512d v) {
    double in[8];
    float out[8];
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 8; i++)
        out[i] = (float)in[i];
    __m256 result;
    memcpy(&result, out, sizeof out);
    return result;
}

// SIMDe gives the name to the masked one.
#undef _mm512_madd_epi16
static inline __m512i _mm512_madd_epi16(__m512i a, __m512i b) {
    int16_t x[32], y[32];
    uint32_t out[16]; // a pair of squares may be 2^31
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int i = 0; i < 16; i++)
        out[i] = (uint32_t)(x[2 * i] * y[2 * i]) + (uint32_t)(x[2 * i + 1] * y[2 * i + 1]);
    memcpy(&a, out, sizeof out);
    return a;
}
