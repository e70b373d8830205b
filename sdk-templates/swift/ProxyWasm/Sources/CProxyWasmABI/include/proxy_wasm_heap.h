// SPDX-License-Identifier: Apache-2.0
//
// A general-purpose heap for 32-bit linear memory: constant-time allocation by two-level segregated fit, immediate
// coalescing, 16-byte alignment, 4 bytes of overhead for each allocation. It returns NULL when memory is exhausted.
//
// Everything inside the heap is a 32-bit offset from `base`, so the layout that runs inside a module is bit for bit
// the layout that native tests exercise on an arena.

#ifndef PROXY_WASM_HEAP_H
#define PROXY_WASM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_WASM_HEAP_CLASSES 26
#define PROXY_WASM_HEAP_BINS 16

/// One heap. Set up by `proxy_wasm_heap_init`; the fields are private to the implementation.
struct proxy_wasm_heap {
    uint8_t *base;
    uint32_t end;
    uint32_t class_map;
    uint32_t bin_maps[PROXY_WASM_HEAP_CLASSES];
    uint32_t bins[PROXY_WASM_HEAP_CLASSES][PROXY_WASM_HEAP_BINS];
    /// Makes `size` more bytes usable and returns the offset of the first, or 0 when there are none left.
    uint32_t (*grow)(struct proxy_wasm_heap *heap, uint32_t *size);
    /// For the owner of `grow`.
    uint32_t limit;
};

/// Makes an empty heap over `base`; memory comes from `grow` only. Offset 0 is never handed out.
void proxy_wasm_heap_init(struct proxy_wasm_heap *heap, uint8_t *base,
                          uint32_t (*grow)(struct proxy_wasm_heap *heap, uint32_t *size));

/// Adds the bytes from offset `start` to `end`, both multiples of 16, to the heap.
void proxy_wasm_heap_add(struct proxy_wasm_heap *heap, uint32_t start, uint32_t end);

/// As `malloc`; a size of 0 gives a unique pointer too.
void *proxy_wasm_heap_allocate(struct proxy_wasm_heap *heap, size_t size);

/// As `aligned_alloc`, for any power of two.
void *proxy_wasm_heap_allocate_aligned(struct proxy_wasm_heap *heap, size_t alignment, size_t size);

/// As `realloc`; on failure the old allocation stands.
void *proxy_wasm_heap_reallocate(struct proxy_wasm_heap *heap, void *pointer, size_t size);

/// As `free`; null is ignored.
void proxy_wasm_heap_free(struct proxy_wasm_heap *heap, void *pointer);

/// The number of bytes an allocation can hold.
size_t proxy_wasm_heap_usable_size(const struct proxy_wasm_heap *heap, const void *pointer);

/// Walks the whole heap from `start`, where a region begins, and says whether every invariant holds; for tests.
bool proxy_wasm_heap_check(const struct proxy_wasm_heap *heap, uint32_t start, uint32_t *free_bytes);

#endif
