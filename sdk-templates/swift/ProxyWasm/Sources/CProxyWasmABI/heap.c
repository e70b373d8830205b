// SPDX-License-Identifier: Apache-2.0
//
// A block is a 4-byte header and its payload. Headers lie at offsets 12 mod 16, payloads at 0 mod 16, and sizes
// (header included) are multiples of 16, so the low four bits of a header are free for two flags.
//
//     allocated   | size, flags | payload … (runs up to the next block's header)                 |
//     free        | size, flags | next free | previous free | …                      | size      |
//
// A region ends in a header of size 0 that is never free. Free neighbours are merged at once: no two adjacent blocks
// are free.

#include "proxy_wasm_heap.h"

#define UNIT 16u
#define HEADER 4u
#define IS_FREE 1u
#define PREVIOUS_IS_FREE 2u
#define FLAGS 15u
#define LARGEST 0x7ffffff0u
/// How many blocks of a mixed bin are looked at before memory is grown.
#define SCAN_LIMIT 32

typedef struct proxy_wasm_heap heap_t;

static inline uintptr_t base_of(const heap_t *heap) {
#if defined(__wasm__)
    (void)heap;
    return 0;
#else
    return (uintptr_t)heap->base;
#endif
}

static inline uint32_t *word(const heap_t *heap, uint32_t offset) {
    return (uint32_t *)(base_of(heap) + offset);
}

static inline uint32_t size_of(const heap_t *heap, uint32_t block) {
    return *word(heap, block) & ~FLAGS;
}

static inline uint32_t *next_free(const heap_t *heap, uint32_t block) {
    return word(heap, block + HEADER);
}

static inline uint32_t *previous_free(const heap_t *heap, uint32_t block) {
    return word(heap, block + 2 * HEADER);
}

static inline uint32_t block_of(const heap_t *heap, const void *pointer) {
    return (uint32_t)((uintptr_t)pointer - base_of(heap)) - HEADER;
}

static inline void *payload_of(const heap_t *heap, uint32_t block) {
    return (void *)(base_of(heap) + block + HEADER);
}

/// Sizes below 256 have a bin for each multiple of 16; above, each power of two is cut into 16 bins.
static inline void bin_for(uint32_t size, uint32_t *class, uint32_t *bin) {
    if (size < UNIT * PROXY_WASM_HEAP_BINS) {
        *class = 0;
        *bin = size / UNIT;
    } else {
        uint32_t magnitude = 31u - (uint32_t)__builtin_clz(size);
        *class = magnitude - 7;
        *bin = (size >> (magnitude - 4)) & (PROXY_WASM_HEAP_BINS - 1);
    }
}

static void insert(heap_t *heap, uint32_t block, uint32_t size) {
    uint32_t class, bin;
    bin_for(size, &class, &bin);
    uint32_t first = heap->bins[class][bin];
    *next_free(heap, block) = first;
    *previous_free(heap, block) = 0;
    if (first != 0) {
        *previous_free(heap, first) = block;
    }
    heap->bins[class][bin] = block;
    heap->bin_maps[class] |= 1u << bin;
    heap->class_map |= 1u << class;
}

static void remove_free(heap_t *heap, uint32_t block, uint32_t size) {
    uint32_t next = *next_free(heap, block);
    uint32_t previous = *previous_free(heap, block);
    if (next != 0) {
        *previous_free(heap, next) = previous;
    }
    if (previous != 0) {
        *next_free(heap, previous) = next;
        return;
    }
    uint32_t class, bin;
    bin_for(size, &class, &bin);
    heap->bins[class][bin] = next;
    if (next == 0) {
        heap->bin_maps[class] &= ~(1u << bin);
        if (heap->bin_maps[class] == 0) {
            heap->class_map &= ~(1u << class);
        }
    }
}

/// Marks `size` bytes at `block` free, merges them with free neighbours and files the result.
static void release(heap_t *heap, uint32_t block, uint32_t size) {
    uint32_t next = block + size;
    if (*word(heap, next) & IS_FREE) {
        uint32_t next_size = size_of(heap, next);
        remove_free(heap, next, next_size);
        size += next_size;
    }
    if (*word(heap, block) & PREVIOUS_IS_FREE) {
        uint32_t previous_size = *word(heap, block - HEADER);
        block -= previous_size;
        remove_free(heap, block, previous_size);
        size += previous_size;
    }
    *word(heap, block) = size | IS_FREE;
    *word(heap, block + size - HEADER) = size;
    *word(heap, block + size) |= PREVIOUS_IS_FREE;
    insert(heap, block, size);
}

/// Cuts an allocated block of `size` bytes down to `wanted` and releases the rest.
static void trim(heap_t *heap, uint32_t block, uint32_t size, uint32_t wanted) {
    if (size - wanted < UNIT) {
        return;
    }
    *word(heap, block) = wanted | (*word(heap, block) & PREVIOUS_IS_FREE);
    *word(heap, block + wanted) = size - wanted;
    release(heap, block + wanted, size - wanted);
}

/// The block size that holds `size` bytes, or 0 when there can be none.
static inline uint32_t block_size(size_t size) {
    if (size > LARGEST - UNIT) {
        return 0;
    }
    return ((uint32_t)size + HEADER + UNIT - 1) & ~(UNIT - 1);
}

/// A free block of at least `size` bytes, or 0.
static uint32_t find(heap_t *heap, uint32_t size) {
    // Rounded up to the next bin, every block of a bin is large enough and none has to be looked at.
    uint32_t rounded = size;
    if (size >= UNIT * PROXY_WASM_HEAP_BINS) {
        rounded += (1u << (27 - (uint32_t)__builtin_clz(size))) - 1;
    }
    uint32_t class, bin;
    bin_for(rounded, &class, &bin);
    uint32_t bins = heap->bin_maps[class] & (~0u << bin);
    if (bins == 0) {
        uint32_t classes = heap->class_map & (~0u << class << 1);
        if (classes != 0) {
            class = (uint32_t)__builtin_ctz(classes);
            bins = heap->bin_maps[class];
        }
    }
    if (bins != 0) {
        return heap->bins[class][__builtin_ctz(bins)];
    }
    // The bin that `size` itself falls into may still hold one that is large enough.
    bin_for(size, &class, &bin);
    uint32_t block = heap->bins[class][bin];
    for (int scanned = 0; block != 0 && scanned < SCAN_LIMIT; scanned++) {
        if (size_of(heap, block) >= size) {
            return block;
        }
        block = *next_free(heap, block);
    }
    return 0;
}

void proxy_wasm_heap_init(heap_t *heap, uint8_t *base, uint32_t (*grow)(heap_t *heap, uint32_t *size)) {
    *heap = (heap_t){.base = base, .grow = grow};
}

void proxy_wasm_heap_add(heap_t *heap, uint32_t start, uint32_t end) {
    uint32_t block;
    if (heap->end != 0 && heap->end == start) {
        // The new bytes follow the last region: its end mark becomes the header of the new block.
        block = start - HEADER;
    } else {
        if (end - start < 2 * UNIT) {
            return;
        }
        block = start + UNIT - HEADER;
        *word(heap, block) = 0;
    }
    uint32_t size = end - HEADER - block;
    *word(heap, block) = size | (*word(heap, block) & PREVIOUS_IS_FREE);
    *word(heap, end - HEADER) = 0;
    heap->end = end;
    release(heap, block, size);
}

void *proxy_wasm_heap_allocate(heap_t *heap, size_t requested) {
    uint32_t wanted = block_size(requested);
    if (wanted == 0) {
        return NULL;
    }
    uint32_t block = find(heap, wanted);
    if (block == 0) {
        uint32_t more = wanted + 2 * UNIT;
        uint32_t start = heap->grow(heap, &more);
        if (start == 0) {
            return NULL;
        }
        proxy_wasm_heap_add(heap, start, start + more);
        // What was just added is the first of its bin, and large enough.
        uint32_t last = *word(heap, heap->end - 2 * HEADER);
        block = heap->end - HEADER - last;
    }
    uint32_t size = size_of(heap, block);
    remove_free(heap, block, size);
    *word(heap, block) = size;
    *word(heap, block + size) &= ~PREVIOUS_IS_FREE;
    trim(heap, block, size, wanted);
    return payload_of(heap, block);
}

void *proxy_wasm_heap_allocate_aligned(heap_t *heap, size_t alignment, size_t requested) {
    if (alignment <= UNIT) {
        return proxy_wasm_heap_allocate(heap, requested);
    }
    if (alignment > LARGEST / 2 || requested > LARGEST / 2 || (alignment & (alignment - 1)) != 0) {
        return NULL;
    }
    uint32_t wanted = block_size(requested);
    void *pointer = proxy_wasm_heap_allocate(heap, wanted - HEADER + alignment);
    if (pointer == NULL) {
        return NULL;
    }
    uintptr_t address = (uintptr_t)pointer;
    uint32_t gap = (uint32_t)(((address + alignment - 1) & ~(uintptr_t)(alignment - 1)) - address);
    uint32_t block = block_of(heap, pointer);
    uint32_t size = size_of(heap, block);
    if (gap != 0) {
        uint32_t front = block;
        block += gap;
        size -= gap;
        *word(heap, block) = size;
        *word(heap, front) = gap | (*word(heap, front) & PREVIOUS_IS_FREE);
        release(heap, front, gap);
    }
    trim(heap, block, size, wanted);
    return payload_of(heap, block);
}

void *proxy_wasm_heap_reallocate(heap_t *heap, void *pointer, size_t requested) {
    if (pointer == NULL) {
        return proxy_wasm_heap_allocate(heap, requested);
    }
    uint32_t wanted = block_size(requested);
    if (wanted == 0) {
        return NULL;
    }
    uint32_t block = block_of(heap, pointer);
    uint32_t size = size_of(heap, block);
    if (wanted > size) {
        uint32_t next = block + size;
        uint32_t next_size = size_of(heap, next);
        if ((*word(heap, next) & IS_FREE) == 0 || size + next_size < wanted) {
            void *copy = proxy_wasm_heap_allocate(heap, requested);
            if (copy != NULL) {
                __builtin_memcpy(copy, pointer, size - HEADER);
                proxy_wasm_heap_free(heap, pointer);
            }
            return copy;
        }
        remove_free(heap, next, next_size);
        size += next_size;
        *word(heap, block) = size | (*word(heap, block) & PREVIOUS_IS_FREE);
        *word(heap, block + size) &= ~PREVIOUS_IS_FREE;
    }
    trim(heap, block, size, wanted);
    return pointer;
}

void proxy_wasm_heap_free(heap_t *heap, void *pointer) {
    if (pointer == NULL) {
        return;
    }
    uint32_t block = block_of(heap, pointer);
    if (*word(heap, block) & IS_FREE) {
        return;
    }
    release(heap, block, size_of(heap, block));
}

size_t proxy_wasm_heap_usable_size(const heap_t *heap, const void *pointer) {
    return pointer == NULL ? 0 : size_of(heap, block_of(heap, pointer)) - HEADER;
}

bool proxy_wasm_heap_check(const heap_t *heap, uint32_t start, uint32_t *free_bytes) {
    uint32_t walked = 0;
    bool previous_is_free = false;
    uint32_t block = start + UNIT - HEADER;
    for (; size_of(heap, block) != 0; block += size_of(heap, block)) {
        uint32_t header = *word(heap, block);
        if (((header & PREVIOUS_IS_FREE) != 0) != previous_is_free) {
            return false;
        }
        if (header & IS_FREE) {
            if (previous_is_free || *word(heap, block + size_of(heap, block) - HEADER) != size_of(heap, block)) {
                return false;
            }
            walked += size_of(heap, block);
        }
        previous_is_free = (header & IS_FREE) != 0;
    }
    if (((*word(heap, block) & PREVIOUS_IS_FREE) != 0) != previous_is_free || (*word(heap, block) & IS_FREE)) {
        return false;
    }
    uint32_t filed = 0;
    for (uint32_t class = 0; class < PROXY_WASM_HEAP_CLASSES; class++) {
        for (uint32_t bin = 0; bin < PROXY_WASM_HEAP_BINS; bin++) {
            uint32_t first = heap->bins[class][bin];
            if ((first != 0) != ((heap->bin_maps[class] >> bin & 1) != 0)) {
                return false;
            }
            for (block = first; block != 0; block = *next_free(heap, block)) {
                uint32_t expected_class, expected_bin;
                bin_for(size_of(heap, block), &expected_class, &expected_bin);
                if (expected_class != class || expected_bin != bin || !(*word(heap, block) & IS_FREE)) {
                    return false;
                }
                filed += size_of(heap, block);
            }
        }
        if ((heap->bin_maps[class] != 0) != ((heap->class_map >> class & 1) != 0)) {
            return false;
        }
    }
    *free_bytes = walked;
    return walked == filed;
}
