// SPDX-License-Identifier: Apache-2.0
//
// What a module needs before a filter can run in it: the exports that every host asks for, a heap, and the functions that
// a compiler calls by itself. Empty natively.

#if defined(__wasm__)

#include "pw_libc.h"

#include "proxy_wasm.h"
#include "proxy_wasm_heap.h"

#define PAGE 65536u

// MARK: Start

void proxy_abi_version_0_2_1(void) {}

extern void __wasm_call_ctors(void);

/// A host calls this before anything else.
__attribute__((export_name("_initialize"))) void _initialize(void) {
    __wasm_call_ctors();
}

// MARK: Heap

extern uint8_t __heap_base;

static struct proxy_wasm_heap heap;

static uint32_t grow(struct proxy_wasm_heap *owner, uint32_t *size) {
    if (owner->limit == 0) {
        // First use: what the linker has left behind the data, up to the end of the initial memory.
        uint32_t start = ((uint32_t)&__heap_base + 15) & ~15u;
        uint32_t end = (uint32_t)__builtin_wasm_memory_size(0) * PAGE;
        owner->limit = 1;
        if (end > start && end - start >= *size) {
            *size = end - start;
            return start;
        }
        if (end > start) {
            proxy_wasm_heap_add(owner, start, end);
        }
    }
    uint32_t pages = *size / PAGE + (*size % PAGE != 0);
    size_t previous = __builtin_wasm_memory_grow(0, pages);
    if (previous == (size_t)-1) {
        return 0;
    }
    // The very last page is not used up to its end, which is no 32-bit offset.
    *size = previous + pages >= 65536 ? pages * PAGE - 16 : pages * PAGE;
    return (uint32_t)previous * PAGE;
}

static struct proxy_wasm_heap *the_heap(void) {
    heap.grow = grow;
    return &heap;
}

void *malloc(size_t size) {
    return proxy_wasm_heap_allocate(the_heap(), size);
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *pointer = malloc(total);
    if (pointer != NULL) {
        memset(pointer, 0, total);
    }
    return pointer;
}

void *realloc(void *pointer, size_t size) {
    return proxy_wasm_heap_reallocate(the_heap(), pointer, size);
}

void free(void *pointer) {
    proxy_wasm_heap_free(the_heap(), pointer);
}

// MARK: Bytes

// With bulk memory, which every host has had since 2020, each of these is one instruction.

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    return __builtin_memmove(to, from, size);
}

void *memset(void *to, int byte, size_t size) {
    return __builtin_memset(to, byte, size);
}

__attribute__((no_builtin("memcmp", "bcmp"))) int memcmp(const void *left, const void *right, size_t size) {
    const unsigned char *a = left, *b = right;
    for (; size != 0; a++, b++, size--) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

__attribute__((no_builtin("strlen"))) size_t strlen(const char *text) {
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}

#endif
