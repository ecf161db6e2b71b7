// SPDX-License-Identifier: Apache-2.0
//
// The greatest channel of each column of a grid, in loops that the compiler vectorises for every
// ISA that includes this.
//
// Where two neighbouring positions have the same greatest channel, so has every place between them:
// a channel that is less than it at both, or not greater and behind it, is so in every mean of
// both. Few places of a picture lie at an edge between classes.
#pragma once
#include "internal/kernels.h"
#include "internal/target_region.h"

/// The first of the greatest channels between a position and, if `after` is not 0, the next.
LVT_INLINE uint8_t lvt_label_between(const lvt_label_row_args *l, size_t first, int32_t after) {
    const int32_t below = l->below_weight, above = 128 - below, before = 128 - after;
    const int16_t *a = l->above + first * l->pitch, *b = l->below + first * l->pitch;
    const size_t next = after ? l->pitch : 0;
    int32_t v[256];
    for (size_t c = 0; c < l->channels; c++)
        v[c] = (a[c] * above + b[c] * below) * before +
               (a[next + c] * above + b[next + c] * below) * after;
    int32_t greatest = v[0];
    for (size_t c = 1; c < l->channels; c++)
        greatest = v[c] > greatest ? v[c] : greatest;
    size_t best = 0;
    while (v[best] != greatest)
        best++;
    return (uint8_t)best;
}

LVT_INLINE void lvt_label_row(const lvt_label_row_args *l) {
    uint8_t *labels = l->scratch;
    for (size_t i = 0; i < l->width; i++) {
        const uint8_t label = l->above_greatest[i];
        labels[i] = l->below_weight == 0 || label == l->below_greatest[i]
                        ? label
                        : lvt_label_between(l, i, 0);
    }
    for (size_t x = 0; x < l->columns;) {
        const int32_t first = l->places[x].first;
        const uint8_t label = labels[first];
        const bool is_edge = (size_t)first + 1 < l->width && labels[first + 1] != label;
        for (; x < l->columns && l->places[x].first == first; x++) {
            const int32_t after = is_edge ? l->places[x].weight : 0;
            l->out[x] = after ? lvt_label_between(l, (size_t)first, after) : label;
        }
    }
}
