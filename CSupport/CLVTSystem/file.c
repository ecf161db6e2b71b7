// SPDX-License-Identifier: Apache-2.0
//
// Reading files and folders.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include "path.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

ptrdiff_t lvt_read(int descriptor, void *bytes, size_t capacity) {
    ssize_t count;
    do
        count = read(descriptor, bytes, capacity);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

void lvt_close(int descriptor) {
    if (descriptor >= 0)
        close(descriptor);
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
