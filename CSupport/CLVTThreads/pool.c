// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLVTThreads.h"
#include "CLVTSystem.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    MAXIMUM_THREADS = 64,
    // Nanoseconds that a thread spins before it sleeps: about what a sleep and a wake-up cost, and
    // a step of a small network takes. Longer spins keep the thread that is waited for from
    // running, where other work wants the processors.
    SPIN = 20000,
    // Spins between two looks at the clock, since a look takes as long as some of them.
    SPINS_PER_LOOK = 32,
};

// A counter that one thread writes and others wait for, on a cache line of its own. It wraps
// around; what is compared lies close together.
typedef struct {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
} event;

// One thread. Its state lies in the pool: a thread that never asks the heap for anything is given
// no heap of its own.
typedef struct {
    event progress;
    _Alignas(64) uint32_t start; // the progress at the start of the run
    lvt_pool *pool;
    uint32_t index;
    pthread_t handle;
} worker;

struct lvt_pool {
    uint32_t threads;
    bool stopping;
    void (*body)(void *, uint32_t);
    void *context;
    event run; // counts runs
    worker workers[MAXIMUM_THREADS];
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool has_reached(event *e, uint32_t value) {
    return (int32_t)(atomic_load_explicit(&e->value, memory_order_acquire) - value) >= 0;
}

// Whether `e` reaches a value while a thread spins. That is bounded by the clock and not by a
// count: a pause takes 40 to 140 cycles on x86, a yield one or two on Arm. Two threads on one
// processor, which a scheduler leaves there for some time, hand it to each other.
static bool reaches_soon(event *e, uint32_t value) {
    uint64_t end = 0;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (has_reached(e, value))
                return true;
            pause_briefly();
        }
        sched_yield();
        if (end == 0)
            end = nanoseconds() + SPIN;
    } while (nanoseconds() < end);
    return false;
}

static void sleep_until(event *e, uint32_t value) {
    atomic_fetch_add(&e->sleepers, 1);
    for (;;) { // a spurious or early wake-up goes round again
        const uint32_t seen = atomic_load(&e->value);
        if ((int32_t)(seen - value) >= 0)
            break;
        syscall(SYS_futex, &e->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
    atomic_fetch_sub(&e->sleepers, 1);
}

static void wait_until(event *e, uint32_t value) {
    if (!reaches_soon(e, value))
        sleep_until(e, value);
}

static void advance(event *e, uint32_t value) {
    atomic_store(&e->value, value);
    if (atomic_load(&e->sleepers) != 0)
        syscall(SYS_futex, &e->value, FUTEX_WAKE_PRIVATE, MAXIMUM_THREADS, NULL, NULL, 0);
}

void lvt_pool_advance(lvt_pool *pool, uint32_t index, uint32_t progress) {
    worker *me = &pool->workers[index];
    advance(&me->progress, me->start + progress);
}

void lvt_pool_wait(lvt_pool *pool, uint32_t index, uint32_t other, uint32_t progress) {
    wait_until(&pool->workers[other].progress, pool->workers[index].start + progress);
}

void lvt_pool_barrier(lvt_pool *pool, uint32_t index) {
    worker *me = &pool->workers[index];
    const uint32_t progress =
        atomic_load_explicit(&me->progress.value, memory_order_relaxed) - me->start + 1;
    lvt_pool_advance(pool, index, progress);
    for (uint32_t other = 0; other < pool->threads; other++)
        if (other != index)
            lvt_pool_wait(pool, index, other, progress);
}

// All threads have come equally far at the end of a run.
static void begin(worker *me) {
    me->start = atomic_load_explicit(&me->progress.value, memory_order_relaxed);
}

static void *work(void *argument) {
    worker *me = argument;
    lvt_pool *pool = me->pool;
    for (uint32_t seen = 1;; seen++) {
        wait_until(&pool->run, seen);
        if (pool->stopping)
            return NULL;
        begin(me);
        pool->body(pool->context, me->index);
        lvt_pool_barrier(pool, me->index);
    }
}

// Starts a thread, on a set of processors unless that is NULL. 0 or a negative errno.
static int start(worker *w, const uint64_t *processors) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return -error;
    cpu_set_t set;
    if (processors) {
        memcpy(&set, processors, sizeof set);
        error = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    }
    if (error == 0)
        error = pthread_create(&w->handle, &attributes, work, w);
    pthread_attr_destroy(&attributes);
    return lvt_thread_error(error);
}

int lvt_pool_create(uint32_t threads, const uint64_t *processors, lvt_pool **result) {
    *result = NULL;
    if (threads < 1 || threads > MAXIMUM_THREADS)
        return -EINVAL;
    lvt_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool)
        return -ENOMEM;
    *pool = (lvt_pool){.threads = 1};
    // Signals are the application's: its own threads take them, not ours.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = 0;
    for (uint32_t i = 1; i < threads && error == 0; i++) {
        const uint64_t *own = processors ? processors + i * LVT_PROCESSOR_WORDS : NULL;
        pool->workers[i] = (worker){.pool = pool, .index = i};
        error = start(&pool->workers[i], own);
        if (error == 0)
            pool->threads = i + 1;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error == 0)
        *result = pool;
    else
        lvt_pool_destroy(pool);
    return error;
}

void lvt_pool_destroy(lvt_pool *pool) {
    if (!pool)
        return;
    pool->stopping = true;
    advance(&pool->run, pool->run.value + 1);
    for (uint32_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].handle, NULL);
    free(pool);
}

void lvt_pool_run(lvt_pool *pool, void (*body)(void *, uint32_t), void *context) {
    if (pool->threads > 1) {
        pool->body = body;
        pool->context = context;
        begin(&pool->workers[0]);
        advance(&pool->run, pool->run.value + 1);
    }
    body(context, 0);
    lvt_pool_barrier(pool, 0);
}
