// SPDX-License-Identifier: Apache-2.0
//
// The leanest C filter that sets a header on every response: it keeps nothing for a request, so it has no need to hear
// that one begins or ends.

#include "proxy_wasm.h"

EXPORT(proxy_on_response_headers)
uint32_t proxy_on_response_headers(uint32_t id, uint32_t count, uint32_t end) {
    proxy_replace_header_map_value(RESPONSE_HEADERS, "hello", 5, "world", 5);
    return CONTINUE;
}
