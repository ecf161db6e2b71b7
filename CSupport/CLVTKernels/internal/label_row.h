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

/// The first of the greatest channels.
LVT_INLINE uint8_t lvt_greatest_channel(const int32_t *v, size_t channels) {
    int32_t greatest = v[0];
    for (size_t c = 1; c < channels; c++)
        greatest = v[c] > greatest ? v[c] : greatest;
    size_t best = 0;
    while (v[best] != greatest)
        best++;
    return (uint8_t)best;
}

LVT_INLINE void lvt_label_row(const lvt_label_row_args *l) {
    const int32_t below = l->below_weight, above = 128 - below;
    const size_t count = l->width * l->pitch;
    int32_t *v = l->scratch;
    uint8_t *labels = (uint8_t *)(v + count);
    for (size_t i = 0; i < count; i++)
        v[i] = l->above[i] * above + l->below[i] * below;
    for (size_t i = 0; i < l->width; i++)
        labels[i] = lvt_greatest_channel(v + i * l->pitch, l->channels);
    for (size_t x = 0; x < l->columns; x++) {
        const int32_t after = l->places[x].weight, before = 128 - after;
        const size_t first = (size_t)l->places[x].first;
        if (after == 0 || labels[first] == labels[first + 1]) {
            l->out[x] = labels[first];
            continue;
        }
        const int32_t *a = v + first * l->pitch, *b = a + l->pitch;
        int32_t mixed[256];
        for (size_t c = 0; c < l->channels; c++)
            mixed[c] = a[c] * before + b[c] * after;
        l->out[x] = lvt_greatest_channel(mixed, l->channels);
    }
}
