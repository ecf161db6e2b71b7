// SPDX-License-Identifier: Apache-2.0
//
// Waiting for descriptors, signals and threads.
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int lvt_event_create(void) {
    const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return event < 0 ? -errno : event;
}

void lvt_event_raise(int event) {
    const uint64_t one = 1;
    // Fails only where the event has happened very often.
    if (write(event, &one, sizeof one) < 0)
        return;
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

void lvt_close(int descriptor) {
    if (descriptor >= 0)
        close(descriptor);
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

ptrdiff_t lvt_read(int descriptor, void *bytes, size_t capacity) {
    ssize_t count;
    do
        count = read(descriptor, bytes, capacity);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

struct lvt_thread {
    pthread_t thread;
    void (*body)(void *);
    void *context;
};

static void *run(void *thread) {
    const lvt_thread *t = thread;
    t->body(t->context);
    return NULL;
}

int lvt_thread_error(int error) {
    pthread_attr_t attributes;
    size_t bytes = 0;
    if (error != EAGAIN || pthread_getattr_default_np(&attributes) != 0)
        return -error;
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
    void *stack = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return -ENOMEM;
    munmap(stack, bytes);
    return -EAGAIN;
}

const char *lvt_thread_error_text(int error) {
    switch (error) {
    case -ENOMEM: return "no memory for a stack";
    case -EAGAIN: return "as many threads as a limit of the system or of this user allows";
    default: return lvt_error_text(error);
    }
}

int lvt_thread_start(void (*body)(void *), void *context, lvt_thread **result) {
    *result = NULL;
    lvt_thread *thread = malloc(sizeof *thread);
    if (!thread)
        return -ENOMEM;
    thread->body = body;
    thread->context = context;
    const int error = pthread_create(&thread->thread, NULL, run, thread);
    if (error == 0)
        *result = thread;
    else
        free(thread);
    return lvt_thread_error(error);
}

void lvt_thread_join(lvt_thread *thread) {
    if (!thread)
        return;
    pthread_join(thread->thread, NULL);
    free(thread);
}

struct lvt_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
};

lvt_monitor *lvt_monitor_create(void) {
    lvt_monitor *monitor = malloc(sizeof *monitor);
    if (!monitor)
        return NULL;
    pthread_mutex_init(&monitor->mutex, NULL); // cannot fail in glibc, nor can the next
    pthread_cond_init(&monitor->condition, NULL);
    return monitor;
}

void lvt_monitor_destroy(lvt_monitor *monitor) {
    if (!monitor)
        return;
    pthread_cond_destroy(&monitor->condition);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void lvt_monitor_lock(lvt_monitor *monitor) {
    pthread_mutex_lock(&monitor->mutex);
}

void lvt_monitor_unlock(lvt_monitor *monitor) {
    pthread_mutex_unlock(&monitor->mutex);
}

void lvt_monitor_wait(lvt_monitor *monitor) {
    pthread_cond_wait(&monitor->condition, &monitor->mutex);
}

void lvt_monitor_notify(lvt_monitor *monitor) {
    pthread_cond_signal(&monitor->condition);
}
