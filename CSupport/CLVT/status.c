// SPDX-License-Identifier: Apache-2.0
#include "lvt.h"

const char *lvt_status_text(lvt_status status) {
    switch (status) {
    case LVT_OK: return "done";
    case LVT_BAD_ARGUMENT:
        return "a pointer is NULL, an index is of nothing, or memory is too small";
    case LVT_BAD_PLAN: return "the plan cannot be used";
    case LVT_NO_ENGINE: return "the system refuses memory or threads";
    case LVT_BAD_FRAME: return "the frame cannot be used";
    case LVT_NO_RESULT: return "there is no such result";
    case LVT_NOT_VERIFIED: return "this machine does not compute what the plan says";
    }
    return "unknown status";
}
