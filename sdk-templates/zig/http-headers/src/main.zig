const std = @import("std");
const pw = @import("proxy_wasm");

comptime {
    pw.register(Plugin);
}

/// Adds a header to every response; made once for each configuration.
const Plugin = struct {
    pub const Stream = Filter;

    /// What "config.schema.json" describes.
    const Settings = struct {
        header: []const u8 = "hello",
        value: []const u8 = "world",
    };

    arena: std.heap.ArenaAllocator,
    settings: Settings,

    pub fn init(configuration: []const u8) !Plugin {
        var arena: std.heap.ArenaAllocator = .init(pw.allocator);
        errdefer arena.deinit();
        const settings = try pw.config.parse(Settings, arena.allocator(), configuration);
        if (!pw.config.isHeaderName(settings.header)) {
            return pw.config.refuse("header", "expected the name of a header");
        }
        if (!pw.config.isHeaderValue(settings.value)) {
            return pw.config.refuse("value", "expected a text without NUL, CR and LF");
        }
        return .{ .arena = arena, .settings = settings };
    }

    pub fn deinit(plugin: *Plugin) void {
        plugin.arena.deinit();
    }
};

/// Sees one request and its response.
const Filter = struct {
    plugin: *const Plugin,

    pub fn init(plugin: *const Plugin, id: u32) Filter {
        _ = id;
        return .{ .plugin = plugin };
    }

    pub fn onResponseHeaders(filter: *Filter, end_of_stream: bool) !pw.Action {
        _ = end_of_stream;
        try pw.setHeader(.response, filter.plugin.settings.header, filter.plugin.settings.value);
        return .@"continue";
    }
};

// MARK: Tests

const proxy = pw.testing.Proxy(Plugin);
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

test "adds the default header" {
    defer proxy.reset();
    try proxy.start("");
    defer proxy.stop();
    proxy.open(2);
    defer proxy.close(2);
    try proxy.add(.response, ":status", "200");
    try expectEqual(.@"continue", proxy.onResponseHeaders(2, true));
    try expectEqualStrings("world", proxy.header(.response, "hello").?);
    try expectEqualStrings("200", proxy.header(.response, ":status").?);
}

test "replaces the header of the server" {
    defer proxy.reset();
    try proxy.start(
        \\{"header": "x-filtered", "value": "y\u00e9s"}
    );
    proxy.open(2);
    try proxy.add(.response, "x-filtered", "no");
    try expectEqual(.@"continue", proxy.onResponseHeaders(2, false));
    try expectEqualStrings("y\u{e9}s", proxy.header(.response, "x-filtered").?);
    // A stream may outlive its plugin.
    proxy.stop();
    proxy.close(2);
}

test "refuses a bad configuration" {
    for ([_][2][]const u8{
        .{ "{\"header\": 1}", "header: expected a text, found a number" },
        .{ "{\"header\": \"not a token\"}", "header: expected the name of a header" },
        .{ "{\"value\": \"two\\nlines\"}", "value: expected a text without NUL, CR and LF" },
        .{ "{\"value\": \"a\", \"value\": \"b\"}", "value: it is there twice" },
        .{ "{\"colour\": \"red\"}", "colour: unknown key" },
        .{ "{\"value\": \"\xFF\"}", "the configuration is no JSON" },
        .{ "{\"header\":", "the configuration is no JSON" },
    }) |row| {
        defer proxy.reset();
        try expectEqual(error.ConfigurationRefused, proxy.start(row[0]));
        try expectEqualStrings(row[1], pw.testing.state.log);
    }
}
