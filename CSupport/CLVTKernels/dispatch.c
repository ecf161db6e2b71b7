// SPDX-License-Identifier: Apache-2.0
#include "internal/kernels.h"

lvt_kernels lvt_kernels_select(uint32_t features) {
    lvt_kernels table;
    // Scalar rows come first and need nothing, so every member is set.
#define LVT_KERNEL(op, isa, needed)                                                                \
    if (((needed) & ~features) == 0)                                                               \
        table.op = lvt_##op##__##isa;
#include "internal/kernel_list.h"
#undef LVT_KERNEL
    return table;
}

static const lvt_kernel_row rows[] = {
#define LVT_KERNEL(op, isa, needed) {#op, #isa, (needed), (void (*)(void))lvt_##op##__##isa},
#include "internal/kernel_list.h"
#undef LVT_KERNEL
};

size_t lvt_kernel_count(void) {
    return sizeof rows / sizeof rows[0];
}

lvt_kernel_row lvt_kernel_at(size_t index) {
    return rows[index];
}
