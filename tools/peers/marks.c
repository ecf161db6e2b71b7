// SPDX-License-Identifier: Apache-2.0
//
// A plugin of qemu-user that counts the instructions which a program executes between marks:
//
//     qemu-aarch64 -plugin marks.so,out=FILE PROGRAM ...
//
// A mark is the system call getsid, which programs do not otherwise make. At each mark, and at the
// end, a line with the count since the start is written to FILE.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// What is used of version 1 of the plugin interface, documented in "QEMU TCG Plugins". Debian has
// no package with qemu-plugin.h.
typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t id,
                                                              struct qemu_plugin_tb *block));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
                                    void (*at_exit)(qemu_plugin_id_t id, void *user_data),
                                    void *user_data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id,
                                          void (*called)(qemu_plugin_id_t id,
                                                         unsigned vcpu,
                                                         int64_t number,
                                                         uint64_t a1,
                                                         uint64_t a2,
                                                         uint64_t a3,
                                                         uint64_t a4,
                                                         uint64_t a5,
                                                         uint64_t a6,
                                                         uint64_t a7,
                                                         uint64_t a8));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block,
                                              enum qemu_plugin_op op,
                                              void *counter,
                                              uint64_t immediate);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

enum { GETSID = 156 }; // of 64-bit Arm Linux

static uint64_t instructions;
static FILE *out;

static void write_count(void) {
    fprintf(out, "%" PRIu64 "\n", instructions);
    fflush(out);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(
        block, QEMU_PLUGIN_INLINE_ADD_U64, &instructions, qemu_plugin_tb_n_insns(block));
}

static void called(qemu_plugin_id_t id,
                   unsigned vcpu,
                   int64_t number,
                   uint64_t a1,
                   uint64_t a2,
                   uint64_t a3,
                   uint64_t a4,
                   uint64_t a5,
                   uint64_t a6,
                   uint64_t a7,
                   uint64_t a8) {
    (void)id, (void)vcpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7,
        (void)a8;
    if (number == GETSID)
        write_count();
}

static void ended(qemu_plugin_id_t id, void *user_data) {
    (void)id, (void)user_data;
    write_count();
}

EXPORT int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    (void)info;
    if (argc == 1 && strncmp(argv[0], "out=", 4) == 0)
        out = fopen(argv[0] + 4, "w");
    if (!out) {
        fputs("marks: give the plugin out=FILE\n", stderr);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
