#include "pw.h"
#include "pw_json.h"
#include "pw_libc.h"

/// What one configuration says. It stays while its plugin or one of its streams does.
struct plugin {
    unsigned references;
    pw_buffer header;
    pw_buffer value;
};

/// The plugin of each context, be it the plugin's own or a stream's.
static pw_table plugins;

static void release(struct plugin *plugin) {
    if (plugin != NULL && --plugin->references == 0) {
        pw_free(&plugin->header);
        pw_free(&plugin->value);
        free(plugin);
    }
}

void proxy_on_context_create(uint32_t context_id, uint32_t parent_context_id) {
    struct plugin *plugin =
        parent_context_id == 0 ? calloc(1, sizeof(struct plugin)) : pw_get(&plugins, parent_context_id);
    if (plugin == NULL) {
        return;
    }
    plugin->references++;
    if (!pw_put(&plugins, context_id, plugin)) {
        release(plugin);
    }
}

void proxy_on_delete(uint32_t context_id) {
    release(pw_take(&plugins, context_id));
}

/// Reads the configuration, which "config.schema.json" describes.
static bool read_configuration(struct plugin *plugin, pw_slice text) {
    pw_json json;
    pw_buffer header = {0}, value = {0};
    if (pw_json_parse(&json, text)) {
        pw_value root = pw_json_root(&json);
        pw_allow(root, 2, "header", "value");
        pw_slice name = pw_string_or(pw_member(root, "header"), PW_TEXT("hello"));
        if (!pw_is_header_name(name)) {
            pw_value_error(pw_member(root, "header"), PW_TEXT("expected the name of a header"));
        }
        pw_slice content = pw_string_or(pw_member(root, "value"), PW_TEXT("world"));
        if (!pw_is_header_value(content)) {
            pw_value_error(pw_member(root, "value"), PW_TEXT("expected a text without NUL, CR and LF"));
        }
        pw_append(&header, name);
        pw_append(&value, content);
    }
    bool is_good = !json.has_error && !header.failed && !value.failed;
    if (is_good) {
        pw_free(&plugin->header);
        pw_free(&plugin->value);
        plugin->header = header;
        plugin->value = value;
    } else {
        pw_log(PROXY_LOG_ERROR, json.has_error ? pw_view(&json.error) : PW_TEXT("out of memory"));
        pw_free(&header);
        pw_free(&value);
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
    (void)count, (void)end_of_stream;
    const struct plugin *plugin = pw_get(&plugins, context_id);
    if (plugin != NULL) {
        pw_set_header(PROXY_HTTP_RESPONSE_HEADERS, pw_view(&plugin->header), pw_view(&plugin->value));
    }
    return PROXY_CONTINUE;
}
