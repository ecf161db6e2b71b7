// SPDX-License-Identifier: Apache-2.0
//
// Errors, clocks, memory, arguments, numbers: each little more than a call of the C library.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double lvt_wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

const char *lvt_error_text(int error) {
    return strerror(error < 0 ? -error : error);
}

int lvt_last_error(void) {
    return errno;
}

const char *lvt_host_name(void) {
    static char name[256];
    if (gethostname(name, sizeof name - 1) != 0 || !name[0])
        return "localhost";
    return name;
}

int lvt_random(void *bytes, size_t count) {
    return getentropy(bytes, count) == 0 ? 0 : -errno;
}

uint64_t lvt_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *lvt_allocate(size_t bytes) {
    if (bytes > SIZE_MAX - 63)
        return NULL;
    const size_t rounded = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, rounded ? rounded : 64);
    if (memory)
        memset(memory, 0, rounded);
    return memory;
}

void lvt_free(void *memory) {
    free(memory);
}

uint64_t lvt_address_space_left(void) {
    struct rlimit limit;
    char text[32] = {0};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        lvt_read_start("/proc/self/statm", text, sizeof text - 1) <= 0)
        return UINT64_MAX;
    const uint64_t used = strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    return used < limit.rlim_cur ? limit.rlim_cur - used : 0;
}

int lvt_set_niceness(int niceness) {
    return setpriority(PRIO_PROCESS, 0, niceness) == 0 ? 0 : -errno;
}

static int argument_count;
static char **arguments;

// glibc passes main's arguments to constructors as well.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    argument_count = count;
    arguments = values;
}

int lvt_argument_count(void) {
    return argument_count;
}

const char *lvt_argument(int index) {
    return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

_Noreturn void lvt_exit(int code) {
    exit(code);
}

int lvt_format_fixed(char *out, size_t capacity, double value, int decimals) {
    return snprintf(out, capacity, "%.*f", decimals, value);
}

int lvt_format_shortest(char *out, size_t capacity, float value) {
    for (int digits = 6; digits < 9; digits++) {
        const int length = snprintf(out, capacity, "%.*g", digits, (double)value);
        if (strtof(out, NULL) == value)
            return length;
    }
    return snprintf(out, capacity, "%.9g", (double)value);
}

float lvt_exp(float x) {
    return expf(x);
}
