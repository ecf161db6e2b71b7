// SPDX-License-Identifier: Apache-2.0
#include "CLVTFuzz.h"

// libFuzzer's interface, for which the compiler has no header.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *, size_t));
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t limit);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t limit, unsigned seed);

static lvt_fuzz_run run_input;
static lvt_fuzz_mutate mutate_input;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    run_input(bytes, count);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t limit, unsigned seed) {
    return mutate_input(bytes, count, limit, seed);
}

int lvt_fuzz_drive(int argc, char **argv, lvt_fuzz_run run, lvt_fuzz_mutate mutate) {
    run_input = run;
    mutate_input = mutate;
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}

size_t lvt_fuzz_change(uint8_t *bytes, size_t count, size_t limit) {
    return LLVMFuzzerMutate(bytes, count, limit);
}
