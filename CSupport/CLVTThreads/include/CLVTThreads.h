// SPDX-License-Identifier: Apache-2.0
//
// A fixed pool of threads for work that is divided in advance.
//
// lvt_pool_run calls one function on every thread of the pool, the caller's included, and returns
// when all have returned. Between runs the threads sleep: they spin for some microseconds, since
// the next frame may follow at once, and then wait in the kernel. Nothing is allocated and no lock
// is taken after lvt_pool_create.
#pragma once
#include <stdint.h>

typedef struct lvt_pool lvt_pool;

/// Starts `threads - 1` threads; 1 ... 64. NULL if the system refuses.
lvt_pool *lvt_pool_create(uint32_t threads);

/// Stops and joins the threads. Not while a run is in progress.
void lvt_pool_destroy(lvt_pool *pool);

/// Calls `body(context, index)` for index 0 (on the caller) ... threads - 1, and waits for all.
void lvt_pool_run(lvt_pool *pool, void (*body)(void *context, uint32_t index), void *context);

/// Inside a run: waits until every thread of the pool has arrived here.
void lvt_pool_barrier(lvt_pool *pool);
