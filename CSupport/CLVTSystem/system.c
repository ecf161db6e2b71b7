// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include "path.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int lvt_open_file(const char *path, size_t *size) {
    const int descriptor = lvt_open_read(path);
    if (descriptor < 0)
        return descriptor;
    struct stat status;
    int error = 0;
    if (fstat(descriptor, &status) != 0)
        error = -errno;
    else if (S_ISDIR(status.st_mode))
        error = -EISDIR;
    else if (!S_ISREG(status.st_mode))
        error = -EINVAL;
    if (error != 0) {
        close(descriptor);
        return error;
    }
    *size = (size_t)status.st_size;
    return descriptor;
}

int lvt_map_file(const char *path, lvt_mapping *mapping) {
    *mapping = (lvt_mapping){0};
    size_t size = 0;
    const int descriptor = lvt_open_file(path, &size);
    if (descriptor < 0)
        return descriptor;
    int error = 0;
    if (size > 0) {
        void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED)
            error = -errno;
        else
            *mapping = (lvt_mapping){bytes, size};
    }
    close(descriptor);
    return error;
}

void lvt_unmap_file(lvt_mapping mapping) {
    if (mapping.bytes)
        munmap((void *)mapping.bytes, mapping.count);
}

ptrdiff_t lvt_read_start(const char *path, void *bytes, size_t capacity) {
    const int descriptor = lvt_open_read(path);
    if (descriptor < 0)
        return descriptor;
    const ptrdiff_t count = lvt_read(descriptor, bytes, capacity);
    close(descriptor);
    return count;
}

lvt_file_kind lvt_file_kind_of(const char *text) {
    struct stat status;
    char path[PATH_MAX];
    if (lvt_path_bytes(text, path) != 0 || stat(path, &status) != 0)
        return LVT_FILE_MISSING;
    if (S_ISREG(status.st_mode))
        return LVT_FILE_REGULAR;
    return S_ISDIR(status.st_mode) ? LVT_FILE_FOLDER : LVT_FILE_OTHER;
}

struct lvt_folder {
    DIR *entries;
    char name[4 * NAME_MAX + 1]; // as text
};

lvt_folder *lvt_folder_open(const char *text, int *error) {
    char path[PATH_MAX];
    lvt_folder *folder = malloc(sizeof *folder);
    *error = folder ? lvt_path_bytes(text, path) : -ENOMEM;
    if (*error == 0 && !(folder->entries = opendir(path)))
        *error = -errno;
    if (*error == 0)
        return folder;
    free(folder);
    return NULL;
}

const char *lvt_folder_next(lvt_folder *folder) {
    struct dirent *entry;
    do
        entry = readdir(folder->entries);
    while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
    if (!entry)
        return NULL;
    lvt_path_text(entry->d_name, folder->name, sizeof folder->name);
    return folder->name;
}

void lvt_folder_close(lvt_folder *folder) {
    closedir(folder->entries);
    free(folder);
}

bool lvt_is_regular(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

bool lvt_is_terminal(int descriptor) {
    return isatty(descriptor) == 1;
}

double lvt_wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

const char *lvt_error_text(int error) {
    return strerror(error < 0 ? -error : error);
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
