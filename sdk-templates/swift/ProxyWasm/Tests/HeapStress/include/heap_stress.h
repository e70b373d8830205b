// SPDX-License-Identifier: Apache-2.0

#ifndef HEAP_STRESS_H
#define HEAP_STRESS_H

#include <stddef.h>
#include <stdint.h>

/// The allocator under test, and the number of bytes it has taken from its surroundings so far.
struct heap_stress_allocator {
    void *self;
    void *(*allocate)(void *self, size_t size);
    void *(*allocate_aligned)(void *self, size_t alignment, size_t size);
    void *(*reallocate)(void *self, void *pointer, size_t size);
    void (*release)(void *self, void *pointer);
    size_t (*footprint)(void *self);
};

/// What a run found.
struct heap_stress_result {
    /// Allocations whose bytes were not as they were left.
    uint32_t damaged;
    /// Allocations that were not aligned as asked for.
    uint32_t misaligned;
    /// Allocations that were refused.
    uint32_t refused;
    /// The footprint after a tenth of the operations, and after all of them.
    size_t footprint_early, footprint_late;
};

/// Allocates, reallocates and frees at random, filling and checking every byte; frees everything at the end.
struct heap_stress_result heap_stress(const struct heap_stress_allocator *allocator, uint32_t operations,
                                      uint64_t seed);

#endif
