// SPDX-License-Identifier: Apache-2.0
// What fuzzers need of the sanitizers, which Swift cannot reach itself.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether AddressSanitizer watches, without which the next two do nothing.
bool lvt_can_poison(void);
/// Makes every access to the bytes an error.
void lvt_poison(const void *bytes, size_t count);
/// Allows access again.
void lvt_unpoison(const void *bytes, size_t count);

/// Runs one input; returns only if nothing is wrong with it.
typedef void (*lvt_fuzz_run)(const uint8_t *bytes, size_t count);
/// Changes an input in place and returns its new size, at most `limit`.
typedef size_t (*lvt_fuzz_mutate)(uint8_t *bytes, size_t count, size_t limit, unsigned seed);
/// Runs libFuzzer with its arguments, and returns its exit code. Only in lvt-fuzz.
int lvt_fuzz_drive(int argc, char **argv, lvt_fuzz_run run, lvt_fuzz_mutate mutate);
/// libFuzzer's own way to change an input, dictionary included. Only in lvt-fuzz.
size_t lvt_fuzz_change(uint8_t *bytes, size_t count, size_t limit);
