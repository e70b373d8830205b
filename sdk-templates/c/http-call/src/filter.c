#include "pw.h"
#include "pw_json.h"
#include "pw_libc.h"

/// What one configuration says. It stays while its plugin or one of its streams does.
struct plugin {
    unsigned references;
    pw_buffer cluster;
    pw_buffer path;
    uint32_t timeout_milliseconds;
};

/// One request.
struct stream {
    uint32_t context_id;
    struct plugin *plugin;
    /// The call that it waits for; 0 if there is none.
    uint32_t token;
};

static pw_table plugins;
static pw_table streams;
/// The streams that wait, by the tokens of their calls.
static pw_table calls;

static void free_plugin(struct plugin *plugin) {
    pw_free(&plugin->cluster);
    pw_free(&plugin->path);
    free(plugin);
}

static void release(struct plugin *plugin) {
    if (plugin != NULL && --plugin->references == 0) {
        free_plugin(plugin);
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
    stream->context_id = context_id;
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
    if (stream == NULL) {
        release(pw_take(&plugins, context_id));
        return;
    }
    // The client is gone; an answer that still comes finds nobody.
    if (stream->token != 0) {
        pw_take(&calls, stream->token);
    }
    release(stream->plugin);
    free(stream);
}

/// Reads the configuration, which "config.schema.json" describes.
static bool read_configuration(struct plugin *plugin, pw_slice text) {
    pw_json json;
    pw_buffer cluster = {0}, path = {0};
    uint32_t timeout = 0;
    if (pw_json_parse(&json, text)) {
        pw_value root = pw_json_root(&json);
        pw_allow(root, 3, "cluster", "path", "timeoutMilliseconds");
        pw_append(&cluster, pw_string(pw_member(root, "cluster")));
        if (cluster.size == 0) {
            pw_value_error(pw_member(root, "cluster"), PW_TEXT("expected a text, found an empty one"));
        }
        pw_append(&path, pw_string_or(pw_member(root, "path"), PW_TEXT("/")));
        if (!pw_starts_with(pw_view(&path), PW_TEXT("/")) || !pw_is_header_value(pw_view(&path))) {
            pw_value_error(pw_member(root, "path"), PW_TEXT("expected a path that begins with \"/\""));
        }
        timeout = (uint32_t)pw_integer_or(pw_member(root, "timeoutMilliseconds"), 1, 60000, 1000);
    }
    bool is_good = !json.has_error && !cluster.failed && !path.failed;
    if (is_good) {
        pw_free(&plugin->cluster);
        pw_free(&plugin->path);
        plugin->cluster = cluster;
        plugin->path = path;
        plugin->timeout_milliseconds = timeout;
    } else {
        pw_log(PROXY_LOG_ERROR, json.has_error ? pw_view(&json.error) : PW_TEXT("out of memory"));
        pw_free(&cluster);
        pw_free(&path);
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

static proxy_action_t deny(void) {
    return pw_respond(403, PW_TEXT("denied_by_service"), NULL, 0, PW_TEXT("denied\n"));
}

static proxy_action_t refuse_for_now(void) {
    return pw_respond(503, PW_TEXT("service_failed"), NULL, 0, PW_TEXT("cannot be checked now\n"));
}

/// Asks the service about the request whose headers are here.
static bool ask(struct stream *stream) {
    const struct plugin *plugin = stream->plugin;
    pw_slice cluster = pw_view(&plugin->cluster);
    pw_buffer path = {0}, authorization = {0};
    pw_get_header(PROXY_HTTP_REQUEST_HEADERS, PW_TEXT(":path"), &path);
    bool is_authorized =
        pw_get_header(PROXY_HTTP_REQUEST_HEADERS, PW_TEXT("authorization"), &authorization) == PROXY_OK;
    pw_header headers[] = {
        {PW_TEXT(":method"), PW_TEXT("GET")},
        {PW_TEXT(":path"), pw_view(&plugin->path)},
        {PW_TEXT(":authority"), cluster},
        {PW_TEXT("x-original-path"), pw_view(&path)},
        {PW_TEXT("authorization"), pw_view(&authorization)},
    };
    uint32_t token = 0;
    proxy_status_t status = pw_http_call(cluster, headers, is_authorized ? 5 : 4, PW_TEXT(""),
                                         plugin->timeout_milliseconds, &token);
    pw_free(&path);
    pw_free(&authorization);
    if (status != PROXY_OK) {
        pw_log_all(PROXY_LOG_ERROR, 3, PW_TEXT("cannot call the cluster \""), cluster, PW_TEXT("\""));
        return false;
    }
    if (!pw_put(&calls, token, stream)) {
        return false;
    }
    stream->token = token;
    return true;
}

proxy_action_t proxy_on_request_headers(uint32_t context_id, uint32_t count, bool end_of_stream) {
    (void)count, (void)end_of_stream;
    struct stream *stream = pw_get(&streams, context_id);
    if (stream == NULL) {
        return refuse_for_now();
    }
    // Only the service may say whose a request is.
    pw_remove_header(PROXY_HTTP_REQUEST_HEADERS, PW_TEXT("x-user"));
    return ask(stream) ? PROXY_PAUSE : refuse_for_now();
}

void proxy_on_http_call_response(uint32_t plugin_context_id, uint32_t token, uint32_t header_count, uint32_t body_size,
                                 uint32_t trailer_count) {
    (void)plugin_context_id, (void)body_size, (void)trailer_count;
    struct stream *stream = pw_take(&calls, token);
    if (stream == NULL) {
        return;
    }
    stream->token = 0;
    // The answer is read before the context changes; without headers there is none.
    uint32_t status = header_count == 0 ? 0 : pw_get_status(PROXY_HTTP_CALL_RESPONSE_HEADERS);
    pw_buffer user = {0};
    bool has_user = status == 200 &&
                    pw_get_header(PROXY_HTTP_CALL_RESPONSE_HEADERS, PW_TEXT("x-user"), &user) == PROXY_OK;
    proxy_set_effective_context(stream->context_id);
    if (status == 200) {
        if (has_user) {
            pw_set_header(PROXY_HTTP_REQUEST_HEADERS, PW_TEXT("x-user"), pw_view(&user));
        }
        proxy_continue_stream(PROXY_STREAM_HTTP_REQUEST);
    } else if (status == 401 || status == 403) {
        deny();
    } else {
        refuse_for_now();
    }
    pw_free(&user);
}
