// SPDX-License-Identifier: Apache-2.0
//
// A host for unit tests: it offers the functions of "proxy_wasm.h" natively, over plain variables. The callbacks are
// yours, so a test calls them as a host would:
//
//     fake_reset();
//     CHECK(fake_start("{\"header\": \"x-a\"}"));             // a plugin, context 1
//     fake_open(2);                                            // a stream, context 2
//     fake_add(PROXY_HTTP_RESPONSE_HEADERS, ":status", "200");
//     CHECK(proxy_on_response_headers(2, 1, false) == PROXY_CONTINUE);
//     CHECK_TEXT(fake_header(PROXY_HTTP_RESPONSE_HEADERS, "x-a"), "world");
//     fake_close(2);
//     fake_stop();
//
// Texts in here are C strings, for tests are written by people. Memory is the system's, so that the address sanitizer
// sees what is lost.

#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdio.h>
#include <stdlib.h>

#include "../proxy_wasm.h"

/// Ends the test with the place where something is not as it should be.
#define CHECK(condition)                                                                                           \
    do {                                                                                                           \
        if (!(condition)) {                                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                \
            exit(1);                                                                                               \
        }                                                                                                          \
    } while (0)

/// As `CHECK`, for two C strings, of which the first may be null.
#define CHECK_TEXT(actual, expected)                                                                               \
    do {                                                                                                           \
        const char *actual_text = (actual);                                                                        \
        if (!fake_is(actual_text, expected)) {                                                                     \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #actual,                      \
                    actual_text == NULL ? "(none)" : actual_text, expected);                                       \
            exit(1);                                                                                               \
        }                                                                                                          \
    } while (0)

/// What the module has told the host since `fake_reset`.
extern struct fake_state {
    /// The last line of the log.
    char log[1024];
    /// The context that host functions work on.
    uint32_t effective_context;

    /// The answer of `proxy_send_local_response`; a status of 0 is none.
    uint32_t response_status;
    char response_body[1024];

    /// How often `proxy_continue_stream` and `proxy_close_stream` were called, by stream.
    unsigned continued[4];
    unsigned closed[4];

    /// The last `proxy_http_call`; its headers are read by `fake_call_header`.
    unsigned calls;
    char call_cluster[256];
    uint32_t call_timeout;
    uint32_t call_token;
    /// What the next ones answer.
    proxy_status_t call_status;
} fake;

/// Forgets everything.
void fake_reset(void);

/// Makes a plugin with a configuration, as context 1; false if it is refused.
bool fake_start(const char *configuration);
/// Ends it.
void fake_stop(void);
/// Begins a stream of that plugin.
void fake_open(uint32_t context_id);
/// Ends it.
void fake_close(uint32_t context_id);

void fake_add(proxy_header_map_type_t map, const char *name, const char *value);
/// The value of a header; null if there is none. It is good until the headers change.
const char *fake_header(proxy_header_map_type_t map, const char *name);
const char *fake_call_header(const char *name);

/// Puts bytes into a buffer, behind those that are there.
void fake_append(proxy_buffer_type_t buffer, const char *text);
/// What is in a buffer.
const char *fake_buffer(proxy_buffer_type_t buffer);
uint32_t fake_size(proxy_buffer_type_t buffer);
/// Takes out what is in a buffer, as when it is sent on.
void fake_drain(proxy_buffer_type_t buffer);

/// The value of a metric; 0 if there is none.
uint64_t fake_metric(const char *name);

bool fake_is(const char *actual, const char *expected);

#endif
