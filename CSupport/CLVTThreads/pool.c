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
    // Nanoseconds of spinning between runs, and the least at a barrier: about what a sleep and a
    // wake-up cost on a quiet machine.
    LEAST_SPIN = 10000,
    // And the most: what they cost on a virtual one. Longer spins keep the thread that is waited
    // for from running, where other work wants the processors.
    GREATEST_SPIN = 100000,
    // Spins between two looks at the clock, since a look takes as long as some of them.
    SPINS_PER_LOOK = 32,
};

// Counters that one thread writes and others poll lie on cache lines of their own.
typedef struct {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
} event;

// One thread. Its state lies in the pool: a thread that never asks the heap for anything is given
// no heap of its own.
typedef struct {
    _Alignas(64) uint64_t passed; // when it passed its last barrier, in nanoseconds
    lvt_pool *pool;
    uint32_t index;
    pthread_t handle;
} worker;

struct lvt_pool {
    uint32_t threads;
    bool stopping;
    void (*body)(void *, uint32_t);
    void *context;
    event run;     // counts runs; workers wait for it to change
    event barrier; // counts completed barriers
    _Alignas(64) _Atomic uint32_t arrived;
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

// Whether `e` stopped being `seen` while a thread spins. That is bounded by the clock and not by a
// count: a pause takes 40 to 140 cycles on x86, a yield one or two on Arm.
static bool changes_within(event *e, uint32_t seen, uint64_t spin) {
    uint64_t end = 0;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (atomic_load_explicit(&e->value, memory_order_acquire) != seen)
                return true;
            pause_briefly();
        }
        if (end == 0)
            end = nanoseconds() + spin;
    } while (nanoseconds() < end);
    return false;
}

// Waits until `e` is no longer `seen`, spinning for so many nanoseconds first.
static void wait_for_change(event *e, uint32_t seen, uint64_t spin) {
    if (changes_within(e, seen, spin))
        return;
    atomic_fetch_add(&e->sleepers, 1);
    while (atomic_load(&e->value) == seen) // a spurious or late wake-up goes round again
        syscall(SYS_futex, &e->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&e->sleepers, 1);
}

static void advance(event *e) {
    atomic_fetch_add(&e->value, 1);
    if (atomic_load(&e->sleepers) != 0)
        syscall(SYS_futex, &e->value, FUTEX_WAKE_PRIVATE, MAXIMUM_THREADS, NULL, NULL, 0);
}

// How long a thread spins at a barrier: the others should be through after about as long as it took
// itself; those that are not are held up by something else.
static uint64_t spin_after(uint64_t share) {
    return share < LEAST_SPIN ? LEAST_SPIN : share > GREATEST_SPIN ? GREATEST_SPIN : share;
}

void lvt_pool_barrier(lvt_pool *pool, uint32_t index) {
    if (pool->threads == 1)
        return;
    worker *me = &pool->workers[index];
    const uint32_t seen = atomic_load_explicit(&pool->barrier.value, memory_order_acquire);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == pool->threads) {
        atomic_store(&pool->arrived, 0);
        advance(&pool->barrier);
    } else {
        wait_for_change(&pool->barrier, seen, spin_after(nanoseconds() - me->passed));
    }
    me->passed = nanoseconds();
}

static void *work(void *argument) {
    worker *me = argument;
    lvt_pool *pool = me->pool;
    for (uint32_t seen = 0;; seen++) {
        wait_for_change(&pool->run, seen, LEAST_SPIN);
        if (pool->stopping)
            return NULL;
        me->passed = nanoseconds();
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
    advance(&pool->run);
    for (uint32_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].handle, NULL);
    free(pool);
}

void lvt_pool_run(lvt_pool *pool, void (*body)(void *, uint32_t), void *context) {
    if (pool->threads > 1) {
        pool->body = body;
        pool->context = context;
        pool->workers[0].passed = nanoseconds();
        advance(&pool->run);
    }
    body(context, 0);
    lvt_pool_barrier(pool, 0);
}
