// SPDX-License-Identifier: Apache-2.0

#include "pw.h"

#include <stdarg.h>

#include "pw_libc.h"

// MARK: Texts

bool pw_equal(pw_slice left, pw_slice right) {
    return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

bool pw_starts_with(pw_slice text, pw_slice prefix) {
    return text.size >= prefix.size && pw_equal((pw_slice){text.data, prefix.size}, prefix);
}

pw_slice pw_from(pw_slice text, size_t start) {
    return start >= text.size ? (pw_slice){NULL, 0} : (pw_slice){text.data + start, text.size - start};
}

size_t pw_find(pw_slice text, pw_slice part, size_t start) {
    if (part.size == 0 || text.size < part.size) {
        return SIZE_MAX;
    }
    for (size_t i = start; i <= text.size - part.size; i++) {
        if (text.data[i] == part.data[0] && memcmp(text.data + i, part.data, part.size) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

pw_slice pw_view(const pw_buffer *buffer) {
    return (pw_slice){buffer->data, buffer->size};
}

void pw_append(pw_buffer *buffer, pw_slice text) {
    if (buffer->failed || text.size == 0) {
        return;
    }
    if (text.size > buffer->capacity - buffer->size) {
        size_t needed;
        if (__builtin_add_overflow(buffer->size, text.size, &needed)) {
            buffer->failed = true;
            return;
        }
        size_t capacity = buffer->capacity > SIZE_MAX / 2 ? needed : buffer->capacity * 2;
        if (capacity < needed) {
            capacity = needed;
        }
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->size, text.data, text.size);
    buffer->size += text.size;
}

void pw_append_number(pw_buffer *buffer, int64_t number) {
    char digits[20];
    size_t start = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--start] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        digits[--start] = '-';
    }
    pw_append(buffer, (pw_slice){digits + start, sizeof(digits) - start});
}

void pw_free(pw_buffer *buffer) {
    free(buffer->data);
    *buffer = (pw_buffer){0};
}

// MARK: Log

void pw_log(proxy_log_level_t level, pw_slice message) {
    proxy_log(level, message.data, message.size);
}

void pw_log_all(proxy_log_level_t level, unsigned count, ...) {
    pw_buffer line = {0};
    va_list texts;
    va_start(texts, count);
    for (unsigned i = 0; i < count; i++) {
        pw_append(&line, va_arg(texts, pw_slice));
    }
    va_end(texts);
    // What is there when memory ends is better than nothing.
    pw_log(level, pw_view(&line));
    pw_free(&line);
}

// MARK: Headers

/// Takes over what the host has returned.
static void take(pw_buffer *buffer, char *data, size_t size) {
    pw_free(buffer);
    *buffer = (pw_buffer){data, size, size, false};
}

proxy_status_t pw_get_header(proxy_header_map_type_t map, pw_slice name, pw_buffer *value) {
    char *data = NULL;
    size_t size = 0;
    proxy_status_t status = proxy_get_header_map_value(map, name.data, name.size, &data, &size);
    take(value, data, size);
    return status;
}

proxy_status_t pw_set_header(proxy_header_map_type_t map, pw_slice name, pw_slice value) {
    return proxy_replace_header_map_value(map, name.data, name.size, value.data, value.size);
}

proxy_status_t pw_add_header(proxy_header_map_type_t map, pw_slice name, pw_slice value) {
    return proxy_add_header_map_value(map, name.data, name.size, value.data, value.size);
}

proxy_status_t pw_remove_header(proxy_header_map_type_t map, pw_slice name) {
    return proxy_remove_header_map_value(map, name.data, name.size);
}

uint32_t pw_get_status(proxy_header_map_type_t map) {
    pw_buffer value = {0};
    uint32_t status = 0;
    if (pw_get_header(map, PW_TEXT(":status"), &value) == PROXY_OK && value.size == 3) {
        for (size_t i = 0; i < 3; i++) {
            if (value.data[i] < '0' || value.data[i] > '9') {
                status = 0;
                break;
            }
            status = status * 10 + (uint32_t)(value.data[i] - '0');
        }
    }
    pw_free(&value);
    return status;
}

bool pw_is_header_name(pw_slice text) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        for (size_t j = 0; !is_good && j < sizeof(others) - 1; j++) {
            is_good = c == others[j];
        }
        if (!is_good) {
            return false;
        }
    }
    return text.size != 0;
}

bool pw_is_header_value(pw_slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || text.data[i] == '\r' || text.data[i] == '\n') {
            return false;
        }
    }
    return true;
}

static void append_size(pw_buffer *buffer, size_t size) {
    if (size > UINT32_MAX) {
        buffer->failed = true;
    }
    char bytes[4] = {(char)size, (char)(size >> 8), (char)(size >> 16), (char)(size >> 24)};
    pw_append(buffer, (pw_slice){bytes, sizeof(bytes)});
}

static uint32_t size_at(pw_slice pairs, size_t offset) {
    const unsigned char *bytes = (const unsigned char *)pairs.data + offset;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

pw_buffer pw_write_headers(const pw_header *headers, size_t count) {
    pw_buffer pairs = {0};
    append_size(&pairs, count);
    for (size_t i = 0; i < count; i++) {
        append_size(&pairs, headers[i].name.size);
        append_size(&pairs, headers[i].value.size);
    }
    for (size_t i = 0; i < count; i++) {
        pw_append(&pairs, headers[i].name);
        pw_append(&pairs, PW_TEXT("\0"));
        pw_append(&pairs, headers[i].value);
        pw_append(&pairs, PW_TEXT("\0"));
    }
    return pairs;
}

proxy_status_t pw_get_headers(proxy_header_map_type_t map, pw_buffer *pairs) {
    char *data = NULL;
    size_t size = 0;
    proxy_status_t status = proxy_get_header_map_pairs(map, &data, &size);
    take(pairs, data, size);
    return status;
}

/// Takes `size` bytes and their NUL from `offset` on.
static bool read(pw_slice pairs, uint64_t *offset, uint32_t size, pw_slice *text) {
    if (*offset + size + 1 > pairs.size) {
        return false;
    }
    *text = (pw_slice){pairs.data + *offset, size};
    *offset += (uint64_t)size + 1;
    return true;
}

bool pw_header_at(pw_slice pairs, size_t index, pw_header *header) {
    if (pairs.size < 4) {
        return false;
    }
    uint32_t count = size_at(pairs, 0);
    if (index >= count || (uint64_t)count * 8 + 4 > pairs.size) {
        return false;
    }
    uint64_t offset = (uint64_t)count * 8 + 4;
    for (size_t i = 0; i <= index; i++) {
        if (!read(pairs, &offset, size_at(pairs, 4 + i * 8), &header->name) ||
            !read(pairs, &offset, size_at(pairs, 8 + i * 8), &header->value)) {
            return false;
        }
    }
    return true;
}

// MARK: Bodies, properties

proxy_status_t pw_get_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, pw_buffer *bytes) {
    char *data = NULL;
    size_t size = 0;
    proxy_status_t status = proxy_get_buffer_bytes(buffer, start, length, &data, &size);
    take(bytes, data, size);
    return status;
}

proxy_status_t pw_replace_bytes(proxy_buffer_type_t buffer, size_t length, pw_slice bytes) {
    return proxy_set_buffer_bytes(buffer, 0, length, bytes.data, bytes.size);
}

proxy_status_t pw_get_property(pw_slice path, pw_buffer *value) {
    char *data = NULL;
    size_t size = 0;
    proxy_status_t status = proxy_get_property(path.data, path.size, &data, &size);
    take(value, data, size);
    return status;
}

// MARK: Answers and calls

proxy_action_t pw_respond(uint32_t status, pw_slice details, const pw_header *headers, size_t count, pw_slice body) {
    pw_buffer pairs = pw_write_headers(headers, count);
    // Better an answer without its headers than a request that should not pass.
    pw_slice view = pairs.failed ? (pw_slice){NULL, 0} : pw_view(&pairs);
    proxy_send_local_response(status, details.data, details.size, body.data, body.size, view.data, view.size, -1);
    pw_free(&pairs);
    return PROXY_PAUSE;
}

proxy_status_t pw_http_call(pw_slice cluster, const pw_header *headers, size_t count, pw_slice body,
                            uint32_t timeout_milliseconds, uint32_t *token) {
    pw_buffer pairs = pw_write_headers(headers, count);
    // No trailers.
    pw_buffer none = pw_write_headers(NULL, 0);
    proxy_status_t status = PROXY_INTERNAL_FAILURE;
    if (!pairs.failed && !none.failed) {
        status = proxy_http_call(cluster.data, cluster.size, pairs.data, pairs.size, body.data, body.size, none.data,
                                 none.size, timeout_milliseconds, token);
    }
    pw_free(&pairs);
    pw_free(&none);
    return status;
}

proxy_status_t pw_define_metric(proxy_metric_type_t type, pw_slice name, uint32_t *metric) {
    return proxy_define_metric(type, name.data, name.size, metric);
}

// MARK: What belongs to a context

// Open addressing with linear probing, at most three quarters full; taking out moves what follows up.

struct pw_entry {
    uint32_t key;
    void *value;
};

/// Where a key is at home: neighbouring ids must not lie side by side (Knuth's multiplicative hashing).
static uint32_t home(const pw_table *table, uint32_t key) {
    return (key * 2654435769u >> 8) & (table->capacity - 1);
}

static struct pw_entry *find(const pw_table *table, uint32_t key) {
    uint32_t i = home(table, key);
    while (table->entries[i].value != NULL && table->entries[i].key != key) {
        i = (i + 1) & (table->capacity - 1);
    }
    return &table->entries[i];
}

void *pw_get(const pw_table *table, uint32_t key) {
    return table->capacity == 0 ? NULL : find(table, key)->value;
}

static bool grow(pw_table *table) {
    uint32_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
    pw_table larger = {calloc(capacity, sizeof(struct pw_entry)), table->count, capacity};
    if (larger.entries == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->entries[i].value != NULL) {
            *find(&larger, table->entries[i].key) = table->entries[i];
        }
    }
    free(table->entries);
    *table = larger;
    return true;
}

bool pw_put(pw_table *table, uint32_t key, void *value) {
    if (table->count >= table->capacity / 4 * 3 && !grow(table)) {
        return false;
    }
    struct pw_entry *entry = find(table, key);
    table->count += entry->value == NULL;
    *entry = (struct pw_entry){key, value};
    return true;
}

void *pw_take(pw_table *table, uint32_t key) {
    if (table->capacity == 0) {
        return NULL;
    }
    struct pw_entry *entry = find(table, key);
    void *value = entry->value;
    if (value == NULL) {
        return NULL;
    }
    uint32_t mask = table->capacity - 1;
    uint32_t hole = (uint32_t)(entry - table->entries);
    for (uint32_t i = (hole + 1) & mask; table->entries[i].value != NULL; i = (i + 1) & mask) {
        // Only what would still be found from its home may move up.
        if (((i - home(table, table->entries[i].key)) & mask) >= ((i - hole) & mask)) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole].value = NULL;
    table->count--;
    return value;
}
