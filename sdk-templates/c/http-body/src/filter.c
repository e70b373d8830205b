#include "pw.h"
#include "pw_json.h"
#include "pw_libc.h"

/// What one configuration says. It stays while its plugin or one of its streams does.
struct plugin {
    unsigned references;
    pw_buffer find;
    pw_buffer replace;
};

/// One request and its response.
struct stream {
    struct plugin *plugin;
    /// Whether the body of the response is looked through.
    bool is_active;
    /// How much of it the host keeps, because more of the text may follow.
    uint32_t waiting;
};

static pw_table plugins;
static pw_table streams;

static void release(struct plugin *plugin) {
    if (plugin != NULL && --plugin->references == 0) {
        pw_free(&plugin->find);
        pw_free(&plugin->replace);
        free(plugin);
    }
}

static void create_plugin(uint32_t context_id) {
    struct plugin *plugin = calloc(1, sizeof(*plugin));
    if (plugin == NULL) {
        return;
    }
    plugin->references = 1;
    if (!pw_put(&plugins, context_id, plugin)) {
        release(plugin);
    }
}

static void create_stream(uint32_t context_id, struct plugin *plugin) {
    struct stream *stream = plugin == NULL ? NULL : calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return;
    }
    if (!pw_put(&streams, context_id, stream)) {
        free(stream);
        return;
    }
    stream->plugin = plugin;
    plugin->references++;
}

void proxy_on_context_create(uint32_t context_id, uint32_t parent_context_id) {
    if (parent_context_id == 0) {
        create_plugin(context_id);
    } else {
        create_stream(context_id, pw_get(&plugins, parent_context_id));
    }
}

void proxy_on_delete(uint32_t context_id) {
    struct stream *stream = pw_take(&streams, context_id);
    if (stream != NULL) {
        release(stream->plugin);
        free(stream);
    } else {
        release(pw_take(&plugins, context_id));
    }
}

/// Reads the configuration, which "config.schema.json" describes.
static bool read_configuration(struct plugin *plugin, pw_slice text) {
    pw_json json;
    pw_buffer find = {0}, replace = {0};
    if (pw_json_parse(&json, text)) {
        pw_value root = pw_json_root(&json);
        pw_allow(root, 2, "find", "replace");
        pw_append(&find, pw_string(pw_member(root, "find")));
        pw_append(&replace, pw_string_or(pw_member(root, "replace"), PW_TEXT("")));
        if (find.size == 0) {
            pw_value_error(pw_member(root, "find"), PW_TEXT("expected a text, found an empty one"));
        }
    }
    bool is_good = !json.has_error && !find.failed && !replace.failed;
    if (is_good) {
        pw_free(&plugin->find);
        pw_free(&plugin->replace);
        plugin->find = find;
        plugin->replace = replace;
    } else {
        pw_log(PROXY_LOG_ERROR, json.has_error ? pw_view(&json.error) : PW_TEXT("out of memory"));
        pw_free(&find);
        pw_free(&replace);
    }
    pw_json_free(&json);
    return is_good;
}

bool proxy_on_configure(uint32_t plugin_context_id, uint32_t configuration_size) {
    struct plugin *plugin = pw_get(&plugins, plugin_context_id);
    if (plugin == NULL) {
        return false;
    }
    pw_buffer text = {0};
    pw_get_bytes(PROXY_PLUGIN_CONFIGURATION, 0, configuration_size, &text);
    bool is_good = read_configuration(plugin, pw_view(&text));
    pw_free(&text);
    return is_good;
}

proxy_action_t proxy_on_response_headers(uint32_t context_id, uint32_t count, bool end_of_stream) {
    (void)count;
    struct stream *stream = pw_get(&streams, context_id);
    if (stream == NULL || end_of_stream) {
        return PROXY_CONTINUE;
    }
    // A text cannot be found in what is compressed.
    pw_buffer encoding = {0};
    stream->is_active =
        pw_get_header(PROXY_HTTP_RESPONSE_HEADERS, PW_TEXT("content-encoding"), &encoding) == PROXY_NOT_FOUND;
    pw_free(&encoding);
    if (stream->is_active) {
        // The length will change, and only the headers that are still here can say so: without this one the body goes on
        // in chunks.
        pw_remove_header(PROXY_HTTP_RESPONSE_HEADERS, PW_TEXT("content-length"));
    }
    return PROXY_CONTINUE;
}

/// Replaces what is found in `body`, which has all that the host holds.
static void change(const struct plugin *plugin, pw_slice body) {
    pw_slice find = pw_view(&plugin->find);
    size_t place = pw_find(body, find, 0), copied = 0;
    if (place == SIZE_MAX) {
        return;
    }
    pw_buffer changed = {0};
    for (; place != SIZE_MAX; place = pw_find(body, find, copied)) {
        pw_append(&changed, (pw_slice){body.data + copied, place - copied});
        pw_append(&changed, pw_view(&plugin->replace));
        copied = place + find.size;
    }
    pw_append(&changed, pw_from(body, copied));
    if (changed.failed) {
        pw_log(PROXY_LOG_ERROR, PW_TEXT("out of memory: a part of a body is left as it is"));
    } else {
        pw_replace_bytes(PROXY_HTTP_RESPONSE_BODY, body.size, pw_view(&changed));
    }
    pw_free(&changed);
}

/// Whether `body` ends with a beginning of the text, of which the rest may follow.
static bool may_continue(pw_slice body, pw_slice find) {
    size_t length = find.size - 1 < body.size ? find.size - 1 : body.size;
    for (; length > 0; length--) {
        if (pw_equal(pw_from(body, body.size - length), (pw_slice){find.data, length})) {
            return true;
        }
    }
    return false;
}

proxy_action_t proxy_on_response_body(uint32_t context_id, uint32_t size, bool end_of_stream) {
    struct stream *stream = pw_get(&streams, context_id);
    if (stream == NULL || !stream->is_active) {
        return PROXY_CONTINUE;
    }
    pw_buffer body = {0};
    pw_get_bytes(PROXY_HTTP_RESPONSE_BODY, 0, size, &body);
    bool waits = !end_of_stream && may_continue(pw_view(&body), pw_view(&stream->plugin->find));
    if (!waits) {
        change(stream->plugin, pw_view(&body));
    }
    // What is paused stays with the host, whose limits hold; the next call sees it together with what has come since.
    stream->waiting = waits ? size : 0;
    pw_free(&body);
    return waits ? PROXY_PAUSE : PROXY_CONTINUE;
}

proxy_action_t proxy_on_response_trailers(uint32_t context_id, uint32_t count) {
    (void)count;
    struct stream *stream = pw_get(&streams, context_id);
    if (stream != NULL && stream->waiting != 0) {
        pw_buffer body = {0};
        pw_get_bytes(PROXY_HTTP_RESPONSE_BODY, 0, stream->waiting, &body);
        change(stream->plugin, pw_view(&body));
        pw_free(&body);
        stream->waiting = 0;
    }
    return PROXY_CONTINUE;
}
