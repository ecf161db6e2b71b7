// SPDX-License-Identifier: Apache-2.0
#include "CLVTFuzz.h"
#include <sanitizer/asan_interface.h>

bool lvt_can_poison(void) {
#if __has_feature(address_sanitizer)
    return true;
#else
    return false;
#endif
}

void lvt_poison(const void *bytes, size_t count) {
    ASAN_POISON_MEMORY_REGION(bytes, count);
}

void lvt_unpoison(const void *bytes, size_t count) {
    ASAN_UNPOISON_MEMORY_REGION(bytes, count);
}
