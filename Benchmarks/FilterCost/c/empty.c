// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that the Swift filter's module has, doing nothing: what the boundary alone costs.

#include "proxy_wasm.h"

EXPORT(proxy_on_configure) uint32_t proxy_on_configure(uint32_t root, uint32_t size) { return 1; }
EXPORT(proxy_on_context_create) void proxy_on_context_create(uint32_t id, uint32_t parent) {}
EXPORT(proxy_on_response_headers)
uint32_t proxy_on_response_headers(uint32_t id, uint32_t count, uint32_t end) { return CONTINUE; }
EXPORT(proxy_on_delete) void proxy_on_delete(uint32_t id) {}
