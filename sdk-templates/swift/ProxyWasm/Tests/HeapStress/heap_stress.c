// SPDX-License-Identifier: Apache-2.0

#include "heap_stress.h"

#define SLOTS 2000

struct allocation {
    uint8_t *pointer;
    uint32_t size;
    uint8_t mark;
};

static uint64_t state;

/// A repeatable random number (xorshift).
static uint32_t below(uint32_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state % bound);
}

static int is_intact(const struct allocation *allocation, uint32_t size) {
    for (uint32_t index = 0; index < size; index++) {
        if (allocation->pointer[index] != allocation->mark) {
            return 0;
        }
    }
    return 1;
}

/// Mostly small, some large.
static uint32_t random_size(void) {
    static const uint32_t largest[] = {32, 64, 64, 64, 128, 512, 512, 4096};
    return below(100) == 0 ? 1 + below(65536) : 1 + below(largest[below(8)]);
}

struct heap_stress_result heap_stress(const struct heap_stress_allocator *allocator, uint32_t operations,
                                      uint64_t seed) {
    static struct allocation live[SLOTS];
    struct heap_stress_result result = {0};
    void *self = allocator->self;
    state = seed;
    for (uint32_t step = 0; step < operations; step++) {
        if (step == operations / 10) {
            result.footprint_early = allocator->footprint(self);
        }
        struct allocation *slot = &live[below(SLOTS)];
        uint32_t size = random_size();
        uint32_t alignment = 16;
        struct allocation made = {.size = size, .mark = (uint8_t)step};
        if (slot->pointer != NULL && below(3) == 0) {
            made.pointer = allocator->reallocate(self, slot->pointer, size);
            if (made.pointer == NULL) {
                result.refused++;
                continue;
            }
            struct allocation kept = {made.pointer, size, slot->mark};
            result.damaged += !is_intact(&kept, size < slot->size ? size : slot->size);
        } else if (slot->pointer != NULL) {
            result.damaged += !is_intact(slot, slot->size);
            allocator->release(self, slot->pointer);
            *slot = (struct allocation){0};
            continue;
        } else if (below(4) == 0) {
            alignment = 1u << below(13);
            made.pointer = allocator->allocate_aligned(self, alignment, size);
        } else {
            made.pointer = allocator->allocate(self, size);
        }
        if (made.pointer == NULL) {
            result.refused++;
            continue;
        }
        result.misaligned += (uintptr_t)made.pointer % alignment != 0;
        for (uint32_t index = 0; index < size; index++) {
            made.pointer[index] = made.mark;
        }
        *slot = made;
    }
    result.footprint_late = allocator->footprint(self);
    for (uint32_t index = 0; index < SLOTS; index++) {
        if (live[index].pointer != NULL) {
            result.damaged += !is_intact(&live[index], live[index].size);
            allocator->release(self, live[index].pointer);
            live[index] = (struct allocation){0};
        }
    }
    return result;
}
