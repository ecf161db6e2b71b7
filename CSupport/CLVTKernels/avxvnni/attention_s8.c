// SPDX-License-Identifier: Apache-2.0
//
// Attention, AVX-VNNI. VPDPBUSD multiplies four channels of eight keys with those of a query, to
// which 128 is added (see gemm_vnni.h).
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2,avxvnni")
#include "avxvnni/products.h"

enum { LVT_KEY_BYTES = 1 };
#include "avx2/attention_loop.h"

LVT_INLINE void lvt_prepare_keys(const lvt_attention_args *a, const lvt_head *h, const int8_t *k) {
    for (size_t token = 0; token < h->tokens; token += 8) {
        __m256i sums = _mm256_setzero_si256();
        for (size_t c = 0; c < a->head_dim; c += 16) {
            const size_t n = lvt_at_most_16(a->head_dim - c);
            __m256i v[8];
            LVT_UNROLL for (size_t i = 0; i < 8; i++) v[i] =
                token + i < a->keys
                    ? _mm256_castsi128_si256(lvt_load_bytes(k + (token + i) * a->stride + c, n))
                    : _mm256_setzero_si256();
            lvt_transpose_x8(v);
            LVT_UNROLL for (size_t i = 0; i < 4; i++) {
                sums = _mm256_dpbusd_avx_epi32(sums, _mm256_set1_epi8((char)0x80), v[i]);
                _mm256_store_si256((__m256i *)h->keys + ((c / 4 + i) * h->tokens + token) / 8,
                                   v[i]);
            }
        }
        _mm256_store_si256((__m256i *)(h->starts + token),
                           _mm256_sub_epi32(_mm256_setzero_si256(), sums));
    }
}

LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i) {
    __m128i *out = (__m128i *)h->queries + i * h->channels / 16;
    for (size_t c = 0; c < a->head_dim; c += 16)
        _mm_store_si128(out++,
                        _mm_xor_si128(lvt_load_bytes(in + c, lvt_at_most_16(a->head_dim - c)),
                                      _mm_set1_epi8((char)0x80)));
}

LVT_INLINE void lvt_multiply_keys(__m256i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n) {
    const __m256i *starts = (const __m256i *)(h->starts + key);
    LVT_UNROLL for (size_t i = 0; i < n; i++) {
        sums[i][0] = starts[0];
        sums[i][1] = starts[1];
    }
    const char *queries = h->queries;
    const __m256i *keys = (const __m256i *)h->keys + key / 8;
    for (size_t c = 0; c < a->head_dim; c += 4, keys += h->tokens / 8) {
        LVT_UNROLL for (size_t i = 0; i < n; i++) {
            int32_t four;
            memcpy(&four, queries + i * h->channels + c, 4);
            LVT_UNROLL for (size_t j = 0; j < 2; j++) sums[i][j] =
                _mm256_dpbusd_avx_epi32(sums[i][j], _mm256_set1_epi32(four), keys[j]);
        }
    }
}

void lvt_attention_s8__avxvnni(const lvt_attention_args *a) {
    lvt_attention_run(a);
}

LVT_TARGET_END
#endif
