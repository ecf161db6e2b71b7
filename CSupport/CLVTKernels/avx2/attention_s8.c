// SPDX-License-Identifier: Apache-2.0
//
// Attention, AVX2. Neighbouring channels of the keys are put side by side, so that VPMADDWD adds
// two products in each lane.
#include "internal/kernels.h"
#include "internal/target_region.h"
#if defined(__x86_64__)
#include <immintrin.h>
LVT_TARGET_BEGIN("avx2")
#include "avx2/products.h"

enum { LVT_KEY_BYTES = 2 };
#include "avx2/attention_loop.h"

LVT_INLINE void lvt_prepare_keys(const lvt_attention_args *a, const lvt_head *h, const int8_t *k) {
    for (size_t token = 0; token < h->tokens; token += 8) {
        for (size_t c = 0; c < a->head_dim; c += 16) {
            __m256i v[8];
            LVT_UNROLL for (size_t i = 0; i < 8; i++) v[i] =
                token + i < a->keys
                    ? _mm256_cvtepi8_epi16(lvt_load_bytes(k + (token + i) * a->stride + c,
                                                          lvt_at_most_16(a->head_dim - c)))
                    : _mm256_setzero_si256();
            lvt_transpose_x8(v);
            LVT_UNROLL for (size_t i = 0; i < 8; i++) _mm256_store_si256(
                (__m256i *)h->keys + ((c / 2 + i) * h->tokens + token) / 8, v[i]);
        }
    }
}

LVT_INLINE void
lvt_prepare_query(const lvt_attention_args *a, const lvt_head *h, const int8_t *in, size_t i) {
    int16_t *out = (int16_t *)h->queries + i * h->channels;
    for (size_t c = 0; c < h->channels; c += 16)
        _mm256_store_si256(
            (__m256i *)(out + c),
            _mm256_cvtepi8_epi16(lvt_load_bytes(in + c, lvt_at_most_16(a->head_dim - c))));
}

LVT_INLINE void lvt_multiply_keys(__m256i sums[LVT_QUERIES_AT_ONCE][LVT_AT_ONCE],
                                  const lvt_attention_args *a,
                                  const lvt_head *h,
                                  size_t key,
                                  const size_t n) {
    const int16_t *keys = (const int16_t *)h->keys + 2 * key;
    const size_t count = (a->head_dim + 1) / 2 * 2;
    lvt_multiply_pairs(sums, h->queries, h->channels, keys, h->tokens, count, n, 16);
}

void lvt_attention_s8__avx2(const lvt_attention_args *a) {
    lvt_attention_run(a);
}

LVT_TARGET_END
#endif
