// SPDX-License-Identifier: Apache-2.0

#include "fake_host.h"

#include <string.h>

struct fake_state fake;

enum { MAPS = 8, CALL_HEADERS = MAPS, BUFFERS = 9, MAXIMUM_HEADERS = 64, MAXIMUM_METRICS = 16 };

static struct header {
    char *name;
    char *value;
} headers[MAPS + 1][MAXIMUM_HEADERS];

static size_t counts[MAPS + 1];

static struct bytes {
    char *data;
    size_t size;
} buffers[BUFFERS];

static struct metric {
    char *name;
    uint64_t value;
} metrics[MAXIMUM_METRICS];

static size_t metric_count;

// MARK: Helpers

static char *copy(const char *data, size_t size) {
    char *result = malloc(size + 1);
    CHECK(result != NULL);
    if (size != 0) {
        memcpy(result, data, size);
    }
    result[size] = '\0';
    return result;
}

/// Into a place of fixed size; what is longer is cut.
static void keep(char *place, size_t room, const char *data, size_t size) {
    size_t kept = size < room - 1 ? size : room - 1;
    if (kept != 0) {
        memcpy(place, data, kept);
    }
    place[kept] = '\0';
}

static proxy_status_t hand_over(const char *data, size_t size, char **result, size_t *result_size) {
    // Exactly as long as it says: reading further is found out.
    *result = size == 0 ? NULL : malloc(size);
    *result_size = size;
    if (size != 0) {
        CHECK(*result != NULL);
        memcpy(*result, data, size);
    }
    return PROXY_OK;
}

static void clear(size_t map) {
    while (counts[map] > 0) {
        struct header *header = &headers[map][--counts[map]];
        free(header->name);
        free(header->value);
    }
}

static void add(size_t map, const char *name, size_t name_size, const char *value, size_t value_size) {
    CHECK(counts[map] < MAXIMUM_HEADERS);
    headers[map][counts[map]++] = (struct header){copy(name, name_size), copy(value, value_size)};
}

static void remove_all(size_t map, const char *name, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < counts[map]; i++) {
        struct header header = headers[map][i];
        if (strlen(header.name) == size && memcmp(header.name, name, size) == 0) {
            free(header.name);
            free(header.value);
        } else {
            headers[map][kept++] = header;
        }
    }
    counts[map] = kept;
}

static const char *get(size_t map, const char *name, size_t size) {
    for (size_t i = 0; i < counts[map]; i++) {
        if (strlen(headers[map][i].name) == size && memcmp(headers[map][i].name, name, size) == 0) {
            return headers[map][i].value;
        }
    }
    return NULL;
}

static uint32_t number_at(const char *bytes) {
    const unsigned char *b = (const unsigned char *)bytes;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void read_pairs(size_t map, const char *pairs, size_t size) {
    clear(map);
    if (size == 0) {
        return;
    }
    CHECK(size >= 4);
    uint32_t count = number_at(pairs);
    size_t offset = 4 + (size_t)count * 8;
    for (uint32_t i = 0; i < count; i++) {
        CHECK(offset <= size);
        size_t name_size = number_at(pairs + 4 + i * 8), value_size = number_at(pairs + 8 + i * 8);
        CHECK(offset + name_size + value_size + 2 <= size);
        const char *name = pairs + offset, *value = name + name_size + 1;
        CHECK(name[name_size] == '\0' && value[value_size] == '\0');
        add(map, name, name_size, value, value_size);
        offset += name_size + value_size + 2;
    }
    CHECK(offset == size);
}

// MARK: What tests use

void fake_reset(void) {
    for (size_t map = 0; map <= MAPS; map++) {
        clear(map);
    }
    for (size_t i = 0; i < BUFFERS; i++) {
        fake_drain((proxy_buffer_type_t)i);
    }
    while (metric_count > 0) {
        free(metrics[--metric_count].name);
    }
    memset(&fake, 0, sizeof(fake));
}

bool fake_start(const char *configuration) {
    fake_append(PROXY_PLUGIN_CONFIGURATION, configuration);
    fake.effective_context = 1;
    proxy_on_context_create(1, 0);
    bool is_good = proxy_on_configure(1, fake_size(PROXY_PLUGIN_CONFIGURATION));
    fake_drain(PROXY_PLUGIN_CONFIGURATION);
    return is_good;
}

void fake_stop(void) {
    fake.effective_context = 1;
    proxy_on_delete(1);
}

void fake_open(uint32_t context_id) {
    fake.effective_context = context_id;
    proxy_on_context_create(context_id, 1);
}

void fake_close(uint32_t context_id) {
    fake.effective_context = context_id;
    proxy_on_delete(context_id);
}

void fake_add(proxy_header_map_type_t map, const char *name, const char *value) {
    add(map, name, strlen(name), value, strlen(value));
}

const char *fake_header(proxy_header_map_type_t map, const char *name) {
    return get(map, name, strlen(name));
}

const char *fake_call_header(const char *name) {
    return get(CALL_HEADERS, name, strlen(name));
}

void fake_append(proxy_buffer_type_t buffer, const char *text) {
    struct bytes *bytes = &buffers[buffer];
    proxy_set_buffer_bytes(buffer, bytes->size, 0, text, strlen(text));
}

const char *fake_buffer(proxy_buffer_type_t buffer) {
    return buffers[buffer].data == NULL ? "" : buffers[buffer].data;
}

uint32_t fake_size(proxy_buffer_type_t buffer) {
    return (uint32_t)buffers[buffer].size;
}

void fake_drain(proxy_buffer_type_t buffer) {
    free(buffers[buffer].data);
    buffers[buffer] = (struct bytes){NULL, 0};
}

uint64_t fake_metric(const char *name) {
    for (size_t i = 0; i < metric_count; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return metrics[i].value;
        }
    }
    return 0;
}

bool fake_is(const char *actual, const char *expected) {
    return actual != NULL && strcmp(actual, expected) == 0;
}

// MARK: Host functions

proxy_status_t proxy_log(proxy_log_level_t level, const char *message, size_t size) {
    (void)level;
    keep(fake.log, sizeof(fake.log), message, size);
    return PROXY_OK;
}

proxy_status_t proxy_get_log_level(proxy_log_level_t *level) {
    *level = PROXY_LOG_TRACE;
    return PROXY_OK;
}

proxy_status_t proxy_get_current_time_nanoseconds(uint64_t *nanoseconds) {
    *nanoseconds = 1700000000000000000;
    return PROXY_OK;
}

proxy_status_t proxy_set_tick_period_milliseconds(uint32_t period) {
    (void)period;
    return PROXY_OK;
}

proxy_status_t proxy_set_effective_context(uint32_t context_id) {
    fake.effective_context = context_id;
    return PROXY_OK;
}

proxy_status_t proxy_done(void) {
    return PROXY_OK;
}

proxy_status_t proxy_continue_stream(proxy_stream_type_t stream) {
    fake.continued[stream]++;
    return PROXY_OK;
}

proxy_status_t proxy_close_stream(proxy_stream_type_t stream) {
    fake.closed[stream]++;
    return PROXY_OK;
}

proxy_status_t proxy_send_local_response(uint32_t status, const char *details, size_t details_size, const char *body,
                                         size_t body_size, const char *pairs, size_t pairs_size, int32_t grpc_status) {
    (void)details, (void)details_size, (void)grpc_status;
    fake.response_status = status;
    keep(fake.response_body, sizeof(fake.response_body), body, body_size);
    read_pairs(PROXY_HTTP_RESPONSE_HEADERS, pairs, pairs_size);
    return PROXY_OK;
}

proxy_status_t proxy_get_status(uint32_t *status, char **message, size_t *message_size) {
    *status = 0;
    return hand_over("", 0, message, message_size);
}

proxy_status_t proxy_get_buffer_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, char **result,
                                      size_t *size) {
    struct bytes *bytes = &buffers[buffer];
    if (start > bytes->size) {
        return PROXY_BAD_ARGUMENT;
    }
    size_t left = bytes->size - start;
    return hand_over(bytes->data + start, length < left ? length : left, result, size);
}

proxy_status_t proxy_get_buffer_status(proxy_buffer_type_t buffer, size_t *length, uint32_t *flags) {
    *length = buffers[buffer].size;
    *flags = 0;
    return PROXY_OK;
}

proxy_status_t proxy_set_buffer_bytes(proxy_buffer_type_t buffer, size_t start, size_t length, const char *data,
                                      size_t size) {
    struct bytes *bytes = &buffers[buffer];
    if (start > bytes->size) {
        return PROXY_BAD_ARGUMENT;
    }
    size_t replaced = length < bytes->size - start ? length : bytes->size - start;
    size_t rest = bytes->size - start - replaced;
    char *changed = malloc(start + size + rest + 1);
    CHECK(changed != NULL);
    if (start != 0) {
        memcpy(changed, bytes->data, start);
    }
    if (size != 0) {
        memcpy(changed + start, data, size);
    }
    if (rest != 0) {
        memcpy(changed + start + size, bytes->data + start + replaced, rest);
    }
    changed[start + size + rest] = '\0';
    free(bytes->data);
    *bytes = (struct bytes){changed, start + size + rest};
    return PROXY_OK;
}

proxy_status_t proxy_get_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                          char **value, size_t *value_size) {
    const char *found = get(map, name, name_size);
    if (found == NULL) {
        return PROXY_NOT_FOUND;
    }
    return hand_over(found, strlen(found), value, value_size);
}

proxy_status_t proxy_add_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                          const char *value, size_t value_size) {
    add(map, name, name_size, value, value_size);
    return PROXY_OK;
}

proxy_status_t proxy_replace_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size,
                                              const char *value, size_t value_size) {
    remove_all(map, name, name_size);
    add(map, name, name_size, value, value_size);
    return PROXY_OK;
}

proxy_status_t proxy_remove_header_map_value(proxy_header_map_type_t map, const char *name, size_t name_size) {
    remove_all(map, name, name_size);
    return PROXY_OK;
}

proxy_status_t proxy_get_header_map_pairs(proxy_header_map_type_t map, char **pairs, size_t *size) {
    *size = 4;
    for (size_t i = 0; i < counts[map]; i++) {
        *size += 8 + strlen(headers[map][i].name) + strlen(headers[map][i].value) + 2;
    }
    char *bytes = calloc(1, *size);
    CHECK(bytes != NULL);
    uint32_t numbers[1 + 2 * MAXIMUM_HEADERS] = {(uint32_t)counts[map]};
    char *end = bytes + 4 + counts[map] * 8;
    for (size_t i = 0; i < counts[map]; i++) {
        const char *texts[] = {headers[map][i].name, headers[map][i].value};
        for (size_t j = 0; j < 2; j++) {
            size_t length = strlen(texts[j]);
            numbers[1 + i * 2 + j] = (uint32_t)length;
            memcpy(end, texts[j], length + 1);
            end += length + 1;
        }
    }
    for (size_t i = 0; i <= counts[map] * 2; i++) {
        for (size_t byte = 0; byte < 4; byte++) {
            bytes[i * 4 + byte] = (char)(numbers[i] >> (8 * byte));
        }
    }
    *pairs = bytes;
    return PROXY_OK;
}

proxy_status_t proxy_set_header_map_pairs(proxy_header_map_type_t map, const char *pairs, size_t size) {
    read_pairs(map, pairs, size);
    return PROXY_OK;
}

proxy_status_t proxy_get_header_map_size(proxy_header_map_type_t map, size_t *size) {
    *size = 0;
    for (size_t i = 0; i < counts[map]; i++) {
        *size += strlen(headers[map][i].name) + strlen(headers[map][i].value);
    }
    return PROXY_OK;
}

proxy_status_t proxy_define_metric(proxy_metric_type_t type, const char *name, size_t name_size, uint32_t *metric) {
    (void)type;
    for (size_t i = 0; i < metric_count; i++) {
        if (strlen(metrics[i].name) == name_size && memcmp(metrics[i].name, name, name_size) == 0) {
            *metric = (uint32_t)i;
            return PROXY_OK;
        }
    }
    CHECK(metric_count < MAXIMUM_METRICS);
    metrics[metric_count] = (struct metric){copy(name, name_size), 0};
    *metric = (uint32_t)metric_count++;
    return PROXY_OK;
}

proxy_status_t proxy_increment_metric(uint32_t metric, int64_t offset) {
    if (metric >= metric_count) {
        return PROXY_NOT_FOUND;
    }
    metrics[metric].value += (uint64_t)offset;
    return PROXY_OK;
}

proxy_status_t proxy_record_metric(uint32_t metric, uint64_t value) {
    if (metric >= metric_count) {
        return PROXY_NOT_FOUND;
    }
    metrics[metric].value = value;
    return PROXY_OK;
}

proxy_status_t proxy_get_metric(uint32_t metric, uint64_t *value) {
    if (metric >= metric_count) {
        return PROXY_NOT_FOUND;
    }
    *value = metrics[metric].value;
    return PROXY_OK;
}

proxy_status_t proxy_http_call(const char *cluster, size_t cluster_size, const char *pairs, size_t pairs_size,
                               const char *body, size_t body_size, const char *trailers, size_t trailers_size,
                               uint32_t timeout_milliseconds, uint32_t *token) {
    (void)body, (void)body_size, (void)trailers, (void)trailers_size;
    if (fake.call_status != PROXY_OK) {
        return fake.call_status;
    }
    keep(fake.call_cluster, sizeof(fake.call_cluster), cluster, cluster_size);
    read_pairs(CALL_HEADERS, pairs, pairs_size);
    fake.call_timeout = timeout_milliseconds;
    fake.call_token = ++fake.calls;
    *token = fake.call_token;
    return PROXY_OK;
}

// Those that no filter of the templates uses answer as a host that does not have them. Write here what yours needs.

proxy_status_t proxy_get_property(const char *path, size_t path_size, char **value, size_t *value_size) {
    (void)path, (void)path_size, (void)value, (void)value_size;
    return PROXY_NOT_FOUND;
}

proxy_status_t proxy_set_property(const char *path, size_t path_size, const char *value, size_t value_size) {
    (void)path, (void)path_size, (void)value, (void)value_size;
    return PROXY_UNIMPLEMENTED;
}

proxy_status_t proxy_get_shared_data(const char *key, size_t key_size, char **value, size_t *value_size,
                                     uint32_t *version) {
    (void)key, (void)key_size, (void)value, (void)value_size, (void)version;
    return PROXY_NOT_FOUND;
}

proxy_status_t proxy_set_shared_data(const char *key, size_t key_size, const char *value, size_t value_size,
                                     uint32_t version) {
    (void)key, (void)key_size, (void)value, (void)value_size, (void)version;
    return PROXY_UNIMPLEMENTED;
}

proxy_status_t proxy_call_foreign_function(const char *name, size_t name_size, const char *arguments,
                                           size_t arguments_size, char **result, size_t *result_size) {
    (void)name, (void)name_size, (void)arguments, (void)arguments_size, (void)result, (void)result_size;
    return PROXY_NOT_FOUND;
}
