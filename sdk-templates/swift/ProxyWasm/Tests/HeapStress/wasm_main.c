// SPDX-License-Identifier: Apache-2.0
//
// The same run inside a module, on the `malloc` that filters use: see run-in-wasm.sh.

#if defined(__wasm__)

#include "heap_stress.h"

void *malloc(size_t size);
void *realloc(void *pointer, size_t size);
int posix_memalign(void **pointer, size_t alignment, size_t size);
void free(void *pointer);

static void *allocate(void *self, size_t size) {
    return malloc(size);
}

static void *allocate_aligned(void *self, size_t alignment, size_t size) {
    void *pointer;
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

static void *reallocate(void *self, void *pointer, size_t size) {
    return realloc(pointer, size);
}

static void release(void *self, void *pointer) {
    free(pointer);
}

static size_t footprint(void *self) {
    return (size_t)__builtin_wasm_memory_size(0) * 65536;
}

/// Returns the pages of memory in use after all operations, or a negative number if something was wrong.
__attribute__((export_name("stress"))) int32_t stress(uint32_t operations) {
    struct heap_stress_allocator allocator = {NULL, allocate, allocate_aligned, reallocate, release, footprint};
    struct heap_stress_result result = heap_stress(&allocator, operations, 0x9e3779b97f4a7c15);
    if (result.damaged != 0 || result.misaligned != 0 || result.refused != 0) {
        return -1;
    }
    return result.footprint_late > result.footprint_early + result.footprint_early / 10
               ? -2
               : (int32_t)(result.footprint_late / 65536);
}

#endif
