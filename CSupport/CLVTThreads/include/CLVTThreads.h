// SPDX-License-Identifier: Apache-2.0
//
// A fixed pool of threads for work that is divided in advance.
//
// lvt_pool_run calls one function on every thread of the pool, the caller's included, and returns
// when all have returned. Each thread publishes how far it has come, and others wait for that. A
// thread that waits spins first, for as long as a sleep would take, since the next step, or the
// next frame, may follow at once; then it waits in the kernel. Nothing is allocated and no lock is
// taken after lvt_pool_create.
#pragma once
#include <stdint.h>

/// A set of processors is so many words: bit n % 64 of word n / 64 is the kernel's processor n.
enum { LVT_PROCESSORS = 1024, LVT_PROCESSOR_WORDS = LVT_PROCESSORS / 64 };

/// The processors that the calling thread may run on. 0 or a negative errno.
int lvt_processors_allowed(uint64_t *words);
/// Restricts the calling thread, and the threads that it starts later. 0 or a negative errno.
int lvt_processors_restrict(const uint64_t *words);

typedef struct lvt_pool lvt_pool;

/// Starts `threads - 1` threads; 1 ... 64. 0, or a negative errno and no pool: -ENOMEM if there is
/// no memory for a thread's stack, -EAGAIN if there are as many threads as a limit allows.
///
/// `processors` are the set that each thread may run on, LVT_PROCESSOR_WORDS a thread; the first
/// set is for thread 0, the caller's, which is left as it is. NULL: what the calling thread may
/// use.
int lvt_pool_create(uint32_t threads, const uint64_t *processors, lvt_pool **pool);

/// Stops and joins the threads. Not while a run is in progress.
void lvt_pool_destroy(lvt_pool *pool);

/// Calls `body(context, index)` for index 0 (on the caller) ... threads - 1, and waits for all.
void lvt_pool_run(lvt_pool *pool, void (*body)(void *context, uint32_t index), void *context);

/// Inside a run, on thread `index`: publishes its progress, and all that it has written. The
/// progress is 0 at the start of a run, grows, is less than 2^30, and is the same on all threads at
/// the end.
void lvt_pool_advance(lvt_pool *pool, uint32_t index, uint32_t progress);

/// Inside a run, on thread `index`: waits until another thread has come so far.
void lvt_pool_wait(lvt_pool *pool, uint32_t index, uint32_t other, uint32_t progress);

/// Inside a run, on thread `index`: waits until every thread of the pool has arrived here. It is
/// one step of progress; all threads have come equally far.
void lvt_pool_barrier(lvt_pool *pool, uint32_t index);
