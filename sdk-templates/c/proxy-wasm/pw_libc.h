// SPDX-License-Identifier: Apache-2.0
//
// What a filter may use of the C library. A module has none: "pw_libc.c" brings these. Natively they are the system's.

#ifndef PW_LIBC_H
#define PW_LIBC_H

#if defined(__wasm__)

#include <stddef.h>

/// The host gets memory by this, too.
__attribute__((export_name("malloc"))) void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *pointer, size_t size);
void free(void *pointer);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

#else

#include <stdlib.h>
#include <string.h>

#endif
#endif
