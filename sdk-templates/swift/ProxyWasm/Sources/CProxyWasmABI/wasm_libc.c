// SPDX-License-Identifier: Apache-2.0
//
// What Embedded Swift and a Proxy-Wasm host expect of a C library, for a target that has none.

#if defined(__wasm__)

#include "proxy_wasm_abi.h"
#include "proxy_wasm_heap.h"

#define EXPORT(name) __attribute__((export_name(name)))
#define BULK __attribute__((target("bulk-memory")))
#define PAGE 65536u
#define NO_MEMORY 12
#define INVALID_ARGUMENT 22

// MARK: Start

/// Tells the host which ABI this module speaks.
EXPORT("proxy_abi_version_0_2_1") void proxy_abi_version_0_2_1(void) {}

extern void __wasm_call_ctors(void);
/// The top-level code of the module's main.swift, under the name that compilers give `main` on this target. Weak, so
/// that the C parts can be linked without it.
__attribute__((weak)) int __main_argc_argv(int count, char **arguments);

/// The host calls this before anything else; main.swift registers the plugins.
EXPORT("_initialize") void _initialize(void) {
    static bool initialized;
    if (initialized) {
        return;
    }
    initialized = true;
    __wasm_call_ctors();
    if (__main_argc_argv) {
        __main_argc_argv(0, NULL);
    }
}

// MARK: Memory

extern uint8_t __heap_base;

static struct proxy_wasm_heap heap;

static uint32_t grow(struct proxy_wasm_heap *owner, uint32_t *size) {
    if (owner->limit == 0) {
        // First use: what the linker left behind the data, up to the end of the initial memory.
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
    uint32_t pages = (*size + PAGE - 1) / PAGE;
    size_t previous = __builtin_wasm_memory_grow(0, pages);
    if (previous == (size_t)-1) {
        return 0;
    }
    // The very last page may not be used up to its end: its end is not a 32-bit offset.
    *size = previous + pages >= 65536 ? pages * PAGE - 16 : pages * PAGE;
    return (uint32_t)previous * PAGE;
}

static inline struct proxy_wasm_heap *the_heap(void) {
    heap.grow = grow;
    return &heap;
}

EXPORT("malloc") void *malloc(size_t size) {
    return proxy_wasm_heap_allocate(the_heap(), size);
}

EXPORT("free") void free(void *pointer) {
    proxy_wasm_heap_free(the_heap(), pointer);
}

void *realloc(void *pointer, size_t size) {
    return proxy_wasm_heap_reallocate(the_heap(), pointer, size);
}

BULK void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *pointer = malloc(total);
    if (pointer != NULL) {
        __builtin_memset(pointer, 0, total);
    }
    return pointer;
}

void *aligned_alloc(size_t alignment, size_t size) {
    return proxy_wasm_heap_allocate_aligned(the_heap(), alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        return INVALID_ARGUMENT;
    }
    *pointer = proxy_wasm_heap_allocate_aligned(the_heap(), alignment, size);
    return *pointer == NULL ? NO_MEMORY : 0;
}

void *proxy_wasm_allocate(size_t size) {
    return malloc(size);
}

void *proxy_wasm_reallocate(void *buffer, size_t size) {
    return realloc(buffer, size);
}

void proxy_wasm_free(void *buffer) {
    free(buffer);
}

// MARK: Bytes

typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned64;
typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned32;

/// Up to 16 bytes by overlapping loads, all done before the first store: right for overlapping ranges as well.
static inline void copy_small(uint8_t *to, const uint8_t *from, size_t size) {
    if (size >= 8) {
        uint64_t first = *(const unaligned64 *)from, last = *(const unaligned64 *)(from + size - 8);
        *(unaligned64 *)to = first;
        *(unaligned64 *)(to + size - 8) = last;
    } else if (size >= 4) {
        uint32_t first = *(const unaligned32 *)from, last = *(const unaligned32 *)(from + size - 4);
        *(unaligned32 *)to = first;
        *(unaligned32 *)(to + size - 4) = last;
    } else if (size != 0) {
        uint8_t first = from[0], middle = from[size / 2], last = from[size - 1];
        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

BULK void *memmove(void *to, const void *from, size_t size) {
    if (size <= 16) {
        copy_small(to, from, size);
    } else {
        __builtin_memmove(to, from, size);
    }
    return to;
}

BULK void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    if (size <= 16) {
        copy_small(to, from, size);
    } else {
        __builtin_memcpy(to, from, size);
    }
    return to;
}

BULK void *memset(void *to, int byte, size_t size) {
    __builtin_memset(to, byte, size);
    return to;
}

__attribute__((no_builtin("memcmp", "bcmp"))) int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *a = left, *b = right;
    for (; size != 0; a++, b++, size--) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

__attribute__((no_builtin("strlen"))) size_t strlen(const char *string) {
    size_t size = 0;
    while (string[size] != 0) {
        size++;
    }
    return size;
}

// MARK: Arithmetic

/// Multiplies integers of 128 bits: what the compiler makes of a multiplication of 64 bits that is checked for overflow.
///
/// The target has no such instruction, and there is no compiler-rt to bring the function. The halves are multiplied by
/// hand: a product of 128 bits in here would call this function again.
__int128 __multi3(__int128 left, __int128 right) {
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t other = a0 * b1 + (uint32_t)middle;
    uint64_t high = a1 * b1 + (middle >> 32) + (other >> 32);
    high += a * (uint64_t)(right >> 64) + (uint64_t)(left >> 64) * b;
    return (__int128)((unsigned __int128)high << 64 | (other << 32 | (uint32_t)low));
}

// MARK: Output and randomness

/// What `print` writes: collected into lines, each logged at level "info".
int putchar(int character) {
    static uint8_t line[256];
    static size_t size;
    if (character != '\n') {
        line[size++] = (uint8_t)character;
    }
    if (character == '\n' || size == sizeof(line)) {
        proxy_log(2, line, size);
        size = 0;
    }
    return character;
}

__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) extern uint32_t
wasi_random_get(uint8_t *buffer, size_t size);

/// Seeds `Hasher`; part of a module only if it uses `Set`, `Dictionary` or random numbers.
void arc4random_buf(void *buffer, size_t size) {
    uint8_t *bytes = buffer;
    while (size != 0) {
        // Hosts give at most 64 KiB for each call.
        size_t part = size < 65536 ? size : 65536;
        wasi_random_get(bytes, part);
        bytes += part;
        size -= part;
    }
}

#endif
