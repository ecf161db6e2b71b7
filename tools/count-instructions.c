// SPDX-License-Identifier: Apache-2.0
//
// A plugin of qemu-user that counts the instructions which a program executes, by function:
//
//     qemu-aarch64 -plugin count-instructions.so,out=FILE PROGRAM ...
//
// writes a line "COUNT FUNCTION" for each function to FILE. The counts are exact for a program with
// one thread, and the same in every run.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is used of version 1 of the plugin interface, documented in "QEMU TCG Plugins". Debian has
// no package with qemu-plugin.h.
typedef uint64_t qemu_plugin_id_t;
struct qemu_info; // of the emulated machine
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t id,
                                                              struct qemu_plugin_tb *block));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
                                    void (*at_exit)(qemu_plugin_id_t id, void *user_data),
                                    void *user_data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction,
                                                enum qemu_plugin_op op,
                                                void *counter,
                                                uint64_t immediate);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

typedef struct function {
    struct function *next;
    uint64_t instructions; // Generated code adds to it, so a function never moves.
    char name[];
} function_t;

static function_t *functions;
static const char *out_path;

static function_t *find_function(const char *name) {
    for (function_t *f = functions; f; f = f->next) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    const size_t bytes = strlen(name) + 1;
    function_t *f = calloc(1, sizeof *f + bytes);
    if (!f)
        abort();
    memcpy(f->name, name, bytes);
    f->next = functions;
    functions = f;
    return f;
}

/// Called when a block of instructions is translated, before it runs.
static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    const size_t n = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const char *symbol = qemu_plugin_insn_symbol(instruction);
        function_t *f = find_function(symbol && *symbol ? symbol : "?");
        qemu_plugin_register_vcpu_insn_exec_inline(
            instruction, QEMU_PLUGIN_INLINE_ADD_U64, &f->instructions, 1);
    }
}

static void write_counts(qemu_plugin_id_t id, void *unused) {
    (void)id;
    (void)unused;
    FILE *out = fopen(out_path, "w");
    if (!out) {
        perror(out_path);
        exit(1);
    }
    for (const function_t *f = functions; f; f = f->next)
        fprintf(out, "%llu %s\n", (unsigned long long)f->instructions, f->name);
    fclose(out);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                               const struct qemu_info *info,
                               int argument_count,
                               char **arguments) {
    (void)info;
    if (argument_count != 1 || strncmp(arguments[0], "out=", 4) != 0) {
        fputs("count-instructions: give the plugin out=FILE\n", stderr);
        return -1;
    }
    out_path = strdup(arguments[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    qemu_plugin_register_atexit_cb(id, write_counts, NULL);
    return 0;
}
