// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLVTGuard.h"
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *lvt_guarded_allocate(size_t bytes, size_t *size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes > SIZE_MAX / 2)
        return NULL;
    *size = bytes ? (bytes + page - 1) / page * page : page;
    char *all = mmap(NULL, *size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    if (mprotect(all + page, *size, PROT_READ | PROT_WRITE) == 0)
        return all + page;
    munmap(all, *size + 2 * page);
    return NULL;
}

void lvt_guarded_free(void *memory, size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (memory)
        munmap((char *)memory - page, size + 2 * page);
}

static _Thread_local struct {
    const char *what;
    size_t seed, number, placement;
} note;

static void put(const char *text) {
    const ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void put_number(size_t value) {
    char digits[24];
    char *first = digits + sizeof digits - 1;
    *first = 0;
    do
        *--first = (char)('0' + value % 10);
    while (value /= 10);
    put(first);
}

static void report(int signal_number) {
    if (note.what) {
        put("\ncrashed: ");
        put(note.what);
        put(", seed ");
        put_number(note.seed);
        put(", case ");
        put_number(note.number);
        put(", placement ");
        put_number(note.placement);
        put("\n");
    }
    signal(signal_number, SIG_DFL); // the instruction faults again on return
}

void lvt_note_for_crash(const char *what, size_t seed, size_t number, size_t placement) {
    static _Thread_local int installed;
    if (!installed) {
        const int signals[] = {SIGSEGV, SIGBUS, SIGILL};
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
            signal(signals[i], report);
        installed = 1;
    }
    note.what = what;
    note.seed = seed;
    note.number = number;
    note.placement = placement;
}
