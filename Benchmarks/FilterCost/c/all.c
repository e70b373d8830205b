// SPDX-License-Identifier: Apache-2.0
//
// contexts.c with every callback of an HTTP exchange exported, used or not, as most SDKs do it.

#include "contexts.c"

EXPORT(proxy_on_vm_start) uint32_t proxy_on_vm_start(uint32_t root, uint32_t size) { return 1; }
EXPORT(proxy_on_configure) uint32_t proxy_on_configure(uint32_t root, uint32_t size) { return 1; }
EXPORT(proxy_on_request_headers)
uint32_t proxy_on_request_headers(uint32_t id, uint32_t count, uint32_t end) { return CONTINUE; }
EXPORT(proxy_on_request_body)
uint32_t proxy_on_request_body(uint32_t id, uint32_t size, uint32_t end) { return CONTINUE; }
EXPORT(proxy_on_request_trailers)
uint32_t proxy_on_request_trailers(uint32_t id, uint32_t count) { return CONTINUE; }
EXPORT(proxy_on_response_body)
uint32_t proxy_on_response_body(uint32_t id, uint32_t size, uint32_t end) { return CONTINUE; }
EXPORT(proxy_on_response_trailers)
uint32_t proxy_on_response_trailers(uint32_t id, uint32_t count) { return CONTINUE; }
EXPORT(proxy_on_done) uint32_t proxy_on_done(uint32_t id) { return 1; }
EXPORT(proxy_on_log) void proxy_on_log(uint32_t id) {}
