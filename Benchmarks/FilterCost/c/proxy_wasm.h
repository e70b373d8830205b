// SPDX-License-Identifier: Apache-2.0
//
// A Proxy-Wasm filter in C needs no more than this header: what it exports, what it may call, and memory for the host.
// Proxy-Wasm ABI 0.2.1. A filter is one C file that includes this once:
//
//     clang --target=wasm32-unknown-none-wasm -Os -ffreestanding -nostdlib \
//         -Wl,--no-entry,--gc-sections,-s filter.c -o filter.wasm
//
// A host calls only what a module exports: leave out every callback that the filter does not need.

#ifndef PROXY_WASM_H
#define PROXY_WASM_H

#include <stddef.h>
#include <stdint.h>

/// Marks a function that the host calls: `EXPORT(proxy_on_done) uint32_t proxy_on_done(uint32_t id) { … }`.
#define EXPORT(name) __attribute__((export_name(#name)))
/// Marks a function that the host offers.
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))

/// What a callback returns: go on to the next filter, or wait.
enum { CONTINUE = 0, PAUSE = 1 };

/// Which headers a host function is to look at.
enum { REQUEST_HEADERS = 0, REQUEST_TRAILERS = 1, RESPONSE_HEADERS = 2, RESPONSE_TRAILERS = 3 };

/// Sets a header, in place of any that has this name. As every host function it answers 0 if it has done so.
IMPORT(proxy_replace_header_map_value)
uint32_t proxy_replace_header_map_value(
    uint32_t map, const char *name, size_t name_size, const char *value, size_t value_size);

/// Writes a line to the log of the host, at a level from 0 (trace) to 5 (critical).
IMPORT(proxy_log) uint32_t proxy_log(uint32_t level, const char *message, size_t size);

/// Tells the host which ABI the module speaks.
EXPORT(proxy_abi_version_0_2_1) void proxy_abi_version_0_2_1(void) {}

extern unsigned char __heap_base;

/// Where the host puts what it hands over. Nothing is ever freed: enough for filters that ask for nothing.
EXPORT(malloc) void *malloc(size_t size) {
    static size_t next;
    if (next == 0) {
        next = (size_t)&__heap_base;
    }
    size_t start = (next + 15) & ~(size_t)15;
    size_t end = start + size;
    size_t memory = __builtin_wasm_memory_size(0) << 16;
    if (end > memory && __builtin_wasm_memory_grow(0, (end - memory + 65535) >> 16) == (size_t)-1) {
        return NULL;
    }
    next = end;
    return (void *)start;
}

#endif
