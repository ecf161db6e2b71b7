// SPDX-License-Identifier: Apache-2.0
//
// The line of a terminal that is written over again and again. It is cut to the terminal's width,
// and drawn anew when that changes.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LONGEST = 4096 };

static struct {
    int descriptor;
    size_t count;
    char text[LONGEST];
} line = {.descriptor = -1};
/// Held while the line is drawn or changed: by the program or by the signal's handler.
static atomic_flag is_held = ATOMIC_FLAG_INIT;
/// Whether the width changed while the line was held, perhaps after it was asked for.
static atomic_bool is_late;

/// Bytes of the first `columns` characters. Characters of two columns are taken for one: the
/// terminal is told not to go to the next line.
static size_t cut(const char *text, size_t count, size_t columns) {
    size_t characters = 0;
    for (size_t i = 0; i < count; i++)
        if ((text[i] & 0xC0) != 0x80 && characters++ == columns)
            return i;
    return count;
}

int lvt_columns(int descriptor) {
    struct winsize size = {0};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// Calls nothing that a signal's handler may not.
static int draw(void) {
    static const char start[] = "\r\033[?7l", end[] = "\033[K\033[?7h";
    char bytes[sizeof start + LONGEST + sizeof end];
    const int columns = lvt_columns(line.descriptor);
    const size_t count = cut(line.text, line.count, columns > 0 ? (size_t)columns : 80);
    size_t at = 0;
    memcpy(bytes + at, start, sizeof start - 1);
    at += sizeof start - 1;
    memcpy(bytes + at, line.text, count);
    at += count;
    memcpy(bytes + at, end, sizeof end - 1);
    at += sizeof end - 1;
    return lvt_write_all(line.descriptor, bytes, at);
}

static void redraw(int number) {
    (void)number;
    const int error = errno;
    if (!atomic_flag_test_and_set(&is_held)) {
        if (line.descriptor >= 0)
            (void)draw();
        atomic_flag_clear(&is_held);
    } else {
        atomic_store(&is_late, true); // who holds it draws it again
    }
    errno = error;
}

static void let_go(void) {
    atomic_flag_clear(&is_held);
    if (atomic_exchange(&is_late, false))
        redraw(0);
}

int lvt_show_line(int descriptor, const char *text, size_t count) {
    if (line.descriptor < 0) {
        struct sigaction action = {.sa_handler = redraw, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        sigaction(SIGWINCH, &action, NULL);
        // Who started the program may have blocked it.
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGWINCH);
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    }
    // A handler on this thread would find the line held and return; one on another is soon done.
    while (atomic_flag_test_and_set(&is_held))
        continue;
    line.descriptor = descriptor;
    line.count = count < LONGEST ? count : cut(text, LONGEST, LONGEST);
    memcpy(line.text, text, line.count);
    const int status = draw();
    let_go();
    return status;
}

int lvt_end_line(void) {
    while (atomic_flag_test_and_set(&is_held))
        continue;
    const int status = line.descriptor < 0 ? 0 : lvt_write_all(line.descriptor, "\n", 1);
    line.descriptor = -1;
    let_go();
    return status;
}
