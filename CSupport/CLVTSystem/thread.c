// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLVTSystem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

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
    size_t bytes = 0, guard = 0;
    if (error != EAGAIN || pthread_getattr_default_np(&attributes) != 0)
        return -error;
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    // A new thread takes its guard and a table of thread-local storage from the heap besides.
    bytes += guard + (1 << 18);
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

void lvt_ignore_broken_pipes(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
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
