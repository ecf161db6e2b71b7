// SPDX-License-Identifier: Apache-2.0
//
// Memory with an inaccessible page on either side, so that a kernel that leaves its operands
// faults.
#pragma once
#include <stddef.h>

/// Readable and writable memory of at least `bytes` bytes (*size of them: whole pages) between two
/// inaccessible pages, or NULL.
void *lvt_guarded_allocate(size_t bytes, size_t *size);
void lvt_guarded_free(void *memory, size_t size);

/// What this thread does now. If it faults, these words and numbers are written to standard error
/// before the signal takes its course. `what` is a static string or outlives the note; NULL ends
/// it.
void lvt_note_for_crash(const char *what, size_t seed, size_t number, size_t placement);
