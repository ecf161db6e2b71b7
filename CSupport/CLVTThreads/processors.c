// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLVTThreads.h"
#include <errno.h>
#include <sched.h>
#include <string.h>

// The words are the bytes of a cpu_set_t, whose words are little-endian too.
_Static_assert(sizeof(cpu_set_t) == LVT_PROCESSOR_WORDS * sizeof(uint64_t), "a set is a cpu_set_t");

int lvt_processors_allowed(uint64_t *words) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return -errno;
    memcpy(words, &set, sizeof set);
    return 0;
}

int lvt_processors_restrict(const uint64_t *words) {
    cpu_set_t set;
    memcpy(&set, words, sizeof set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}
