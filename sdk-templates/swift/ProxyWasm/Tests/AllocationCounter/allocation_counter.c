// SPDX-License-Identifier: Apache-2.0
//
// The program's own malloc takes the place of the C library's, counts, and passes on.

#include "allocation_counter.h"

#include <stddef.h>

static _Thread_local long count;

long allocation_counter_value(void) {
    return count;
}

#if defined(__linux__)

extern int proxy_wasm_in_module(void);
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    count += proxy_wasm_in_module();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count += proxy_wasm_in_module();
    return __libc_calloc(number, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count += proxy_wasm_in_module();
    return __libc_memalign(alignment, size);
}

#endif
