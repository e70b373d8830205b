// SPDX-License-Identifier: Apache-2.0
//
// What filters in C do all day, on top of the ABI: texts with a size, headers, bodies, answers, calls, and what belongs
// to a context. Nothing in here traps or aborts: what can fail says so, and running out of memory is one of these.

#ifndef PW_H
#define PW_H

#include "proxy_wasm.h"

// MARK: Texts

/// Bytes that belong to somebody else. They may be anything, NUL included.
typedef struct {
    const char *data;
    size_t size;
} pw_slice;

/// A string literal as a slice.
#define PW_TEXT(literal) ((pw_slice){("" literal), sizeof(literal) - 1})

bool pw_equal(pw_slice left, pw_slice right);
bool pw_starts_with(pw_slice text, pw_slice prefix);

/// Where `part` is in `text` for the first time at or after `start`; `SIZE_MAX` if it is not. `part` is not empty.
size_t pw_find(pw_slice text, pw_slice part, size_t start);

/// What is left from `start` on; empty if there is less.
pw_slice pw_from(pw_slice text, size_t start);

/// Bytes that belong to you: `pw_free` them. All zero is an empty one.
typedef struct {
    char *data;
    size_t size;
    /// How many bytes there is room for.
    size_t capacity;
    /// An append had no memory: `data` is not to be used. Once true it stays so until `pw_free`, so that one look after
    /// many appends is enough.
    bool failed;
} pw_buffer;

pw_slice pw_view(const pw_buffer *buffer);
void pw_append(pw_buffer *buffer, pw_slice text);
void pw_append_number(pw_buffer *buffer, int64_t number);

/// Frees the bytes; the buffer is empty and usable afterwards.
void pw_free(pw_buffer *buffer);

// MARK: Log

void pw_log(proxy_log_level_t level, pw_slice message);

/// Logs several texts as one line: `pw_log_all(PROXY_LOG_WARNING, 3, PW_TEXT("cluster \""), name, PW_TEXT("\" fails"))`.
void pw_log_all(proxy_log_level_t level, unsigned count, ...);

// MARK: Headers

/// A header's value; `PROXY_NOT_FOUND` if there is none.
proxy_status_t pw_get_header(proxy_header_map_type_t map, pw_slice name, pw_buffer *value);
/// Sets a header in place of all of its name.
proxy_status_t pw_set_header(proxy_header_map_type_t map, pw_slice name, pw_slice value);
proxy_status_t pw_add_header(proxy_header_map_type_t map, pw_slice name, pw_slice value);
proxy_status_t pw_remove_header(proxy_header_map_type_t map, pw_slice name);

/// The number in `:status`; 0 if there is none.
uint32_t pw_get_status(proxy_header_map_type_t map);

/// Whether this can be the name of a header (RFC 9110, 5.1).
bool pw_is_header_name(pw_slice text);
/// Whether this can be the value of a header: no NUL, CR or LF, which would end it (RFC 9110, 5.5).
bool pw_is_header_value(pw_slice text);

typedef struct {
    pw_slice name;
    pw_slice value;
} pw_header;

/// A list of headers as the host wants it.
pw_buffer pw_write_headers(const pw_header *headers, size_t count);

/// Goes through all headers of a map. The memory is `pairs`: free it at the end, not before.
///
///     pw_buffer pairs = {0};
///     pw_header header;
///     if (pw_get_headers(PROXY_HTTP_REQUEST_HEADERS, &pairs) == PROXY_OK) {
///         for (size_t i = 0; pw_header_at(pw_view(&pairs), i, &header); i++) …
///     }
///     pw_free(&pairs);
proxy_status_t pw_get_headers(proxy_header_map_type_t map, pw_buffer *pairs);
bool pw_header_at(pw_slice pairs, size_t index, pw_header *header);

// MARK: Bodies, properties

/// Bytes of a buffer, from `start`, at most `length`.
proxy_status_t pw_get_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, pw_buffer *bytes);
/// Replaces a whole buffer that has `length` bytes.
proxy_status_t pw_replace_bytes(proxy_buffer_type_t buffer, size_t length, pw_slice bytes);

/// The parts of a path are separated by NUL: `PW_TEXT("source\0address")`.
proxy_status_t pw_get_property(pw_slice path, pw_buffer *value);

// MARK: Answers and calls

/// Answers the request; return what this returns from the callback.
/// - `details`: for the access log, without spaces.
proxy_action_t pw_respond(uint32_t status, pw_slice details, const pw_header *headers, size_t count, pw_slice body);

/// Asks a service; see `proxy_http_call`.
proxy_status_t pw_http_call(pw_slice cluster, const pw_header *headers, size_t count, pw_slice body,
                            uint32_t timeout_milliseconds, uint32_t *token);

/// Makes a metric, or finds it.
proxy_status_t pw_define_metric(proxy_metric_type_t type, pw_slice name, uint32_t *metric);

// MARK: What belongs to a context

/// Pointers by number: what a module keeps for contexts, or for calls by their tokens. All zero is an empty one.
typedef struct {
    struct pw_entry *entries;
    uint32_t count;
    /// A power of two, or 0.
    uint32_t capacity;
} pw_table;

/// What is kept under a number; null if nothing is.
void *pw_get(const pw_table *table, uint32_t key);
/// Keeps something under a number that is free; false if there is no memory. `value` is not null.
bool pw_put(pw_table *table, uint32_t key, void *value);
/// Takes out what is kept under a number; null if nothing is.
void *pw_take(pw_table *table, uint32_t key);

#endif
