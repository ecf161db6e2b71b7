// SPDX-License-Identifier: Apache-2.0
//
// Waiting for descriptors, times and signals.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int lvt_event_create(void) {
    const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return event < 0 ? -errno : event;
}

void lvt_event_raise(int event) {
    const uint64_t one = 1;
    // write fails only where the event has happened very often.
    if (write(event, &one, sizeof one) < 0)
        return;
}

void lvt_event_take_back(int event) {
    uint64_t count;
    if (read(event, &count, sizeof count) < 0)
        return; // it had not happened
}

static volatile sig_atomic_t signalled_event = -1;

static void raise_event(int number) {
    (void)number;
    const int error = errno;
    lvt_event_raise(signalled_event);
    errno = error;
}

void lvt_event_raise_on_signals(int event) {
    signalled_event = event;
    struct sigaction action = {.sa_handler = raise_event};
    sigemptyset(&action.sa_mask);
    // The second signal of a kind ends the program, should it not react to the first.
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int lvt_wait_readable(int descriptor, int event, int milliseconds) {
    struct pollfd wanted[2] = {{descriptor, POLLIN, 0}, {event, POLLIN, 0}};
    int count;
    do
        count = poll(wanted, 2, milliseconds);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    if (count == 0)
        return -ETIMEDOUT;
    return wanted[1].revents == 0;
}

bool lvt_is_timeout(int status) {
    return status == -ETIMEDOUT;
}

bool lvt_event_has_happened(int event) {
    struct pollfd wanted = {event, POLLIN, 0};
    return poll(&wanted, 1, 0) > 0;
}

void lvt_wait_until(uint64_t nanoseconds, int event) {
    struct pollfd wanted = {event, POLLIN, 0};
    for (uint64_t now = lvt_nanoseconds(); now < nanoseconds; now = lvt_nanoseconds()) {
        const uint64_t rest = nanoseconds - now;
        const struct timespec time = {(time_t)(rest / 1000000000u), (long)(rest % 1000000000u)};
        const int count = ppoll(&wanted, 1, &time, NULL);
        if (count > 0 || (count < 0 && errno != EINTR))
            return;
    }
}
