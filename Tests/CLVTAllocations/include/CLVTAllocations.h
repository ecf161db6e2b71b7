// SPDX-License-Identifier: Apache-2.0
//
// Counts heap allocations of the whole test process by standing in front of malloc and its
// relatives.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Calls of malloc, calloc, realloc and their aligned relatives since the process began.
uint64_t lvt_allocation_count(void);

/// Whether allocations are counted: not under a sanitizer, which has its own allocator.
bool lvt_allocations_are_counted(void);
