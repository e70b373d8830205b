const std = @import("std");
const pw = @import("proxy_wasm");

comptime {
    pw.register(Plugin);
}

/// Replaces a text in the bodies of responses; made once for each configuration.
const Plugin = struct {
    pub const Stream = Filter;

    /// What "config.schema.json" describes.
    const Settings = struct {
        find: []const u8,
        replace: []const u8 = "",
    };

    arena: std.heap.ArenaAllocator,
    settings: Settings,

    pub fn init(configuration: []const u8) !Plugin {
        var arena: std.heap.ArenaAllocator = .init(pw.allocator);
        errdefer arena.deinit();
        const settings = try pw.config.parse(Settings, arena.allocator(), configuration);
        if (settings.find.len == 0) return pw.config.refuse("find", "expected a text, found an empty one");
        return .{ .arena = arena, .settings = settings };
    }

    pub fn deinit(plugin: *Plugin) void {
        plugin.arena.deinit();
    }
};

/// Changes the body of one response.
///
/// What has to wait is kept by the host, not here: its limits hold, and the next callback sees it with what has come since.
const Filter = struct {
    plugin: *const Plugin,
    is_active: bool = false,
    /// How much the host keeps, because more of the text may follow.
    waiting: usize = 0,

    pub fn init(plugin: *const Plugin, id: u32) Filter {
        _ = id;
        return .{ .plugin = plugin };
    }

    pub fn onResponseHeaders(filter: *Filter, end_of_stream: bool) !pw.Action {
        if (end_of_stream) return .@"continue";
        // A text cannot be found in what is compressed.
        if (try pw.getHeader(.response, "content-encoding")) |encoding| {
            pw.free(encoding);
            return .@"continue";
        }
        filter.is_active = true;
        // The length will change, and only the headers that are still here can say so: without this one the body goes on
        // in chunks.
        try pw.removeHeader(.response, "content-length");
        return .@"continue";
    }

    pub fn onResponseBody(filter: *Filter, size: usize, end_of_stream: bool) !pw.Action {
        if (!filter.is_active) return .@"continue";
        const body = try pw.getBytes(.response_body, 0, size);
        defer pw.free(body);
        if (!end_of_stream and mayContinue(body, filter.plugin.settings.find)) {
            filter.waiting = size;
            return .pause;
        }
        filter.waiting = 0;
        try filter.change(body);
        return .@"continue";
    }

    /// Trailers have ended the body.
    pub fn onResponseTrailers(filter: *Filter) !pw.Action {
        if (filter.waiting > 0) {
            const body = try pw.getBytes(.response_body, 0, filter.waiting);
            defer pw.free(body);
            filter.waiting = 0;
            try filter.change(body);
        }
        return .@"continue";
    }

    fn change(filter: *const Filter, body: []const u8) !void {
        const settings = filter.plugin.settings;
        var changed: std.ArrayList(u8) = .empty;
        defer changed.deinit(pw.allocator);
        var copied: usize = 0;
        while (std.mem.indexOfPos(u8, body, copied, settings.find)) |place| {
            try changed.appendSlice(pw.allocator, body[copied..place]);
            try changed.appendSlice(pw.allocator, settings.replace);
            copied = place + settings.find.len;
        }
        if (copied == 0) return;
        try changed.appendSlice(pw.allocator, body[copied..]);
        try pw.setBytes(.response_body, 0, body.len, changed.items);
    }
};

/// Whether `body` ends with a beginning of `text`, of which the rest may follow.
fn mayContinue(body: []const u8, text: []const u8) bool {
    var length = @min(text.len - 1, body.len);
    while (length > 0) : (length -= 1) {
        if (std.mem.endsWith(u8, body, text[0..length])) return true;
    }
    return false;
}

// MARK: Tests

const proxy = pw.testing.Proxy(Plugin);
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

test "finds a text wherever it is cut" {
    const body = "aaab aab aa b aabaab a";
    for (0..body.len + 1) |cut| {
        defer proxy.reset();
        try proxy.start("{\"find\": \"aab\", \"replace\": \"-\"}");
        defer proxy.stop();
        proxy.open(2);
        defer proxy.close(2);
        try proxy.add(.response, "content-length", "22");
        try expectEqual(.@"continue", proxy.onResponseHeaders(2, false));
        try expectEqual(null, proxy.header(.response, "content-length"));
        var sent: [64]u8 = undefined;
        const first = proxy.onResponseBody(2, body[0..cut], false);
        const second = proxy.onResponseBody(2, body[cut..], true);
        try expectEqualStrings("a- - aa b -- a", try std.fmt.bufPrint(&sent, "{s}{s}", .{ first, second }));
    }
}

test "treats what trailers end" {
    defer proxy.reset();
    try proxy.start("{\"find\": \"xyz\"}");
    defer proxy.stop();
    proxy.open(2);
    defer proxy.close(2);
    try expectEqual(.@"continue", proxy.onResponseHeaders(2, false));
    try expectEqualStrings("", proxy.onResponseBody(2, "1xyz2xy", false));
    try expectEqualStrings("12xy", proxy.onResponseTrailers(2));
}

test "leaves what is compressed" {
    defer proxy.reset();
    try proxy.start("{\"find\": \"a\"}");
    defer proxy.stop();
    proxy.open(2);
    defer proxy.close(2);
    try proxy.add(.response, "content-encoding", "gzip");
    try proxy.add(.response, "content-length", "3");
    try expectEqual(.@"continue", proxy.onResponseHeaders(2, false));
    try expectEqualStrings("3", proxy.header(.response, "content-length").?);
    try expectEqualStrings("aba", proxy.onResponseBody(2, "aba", true));
}

test "refuses a bad configuration" {
    for ([_][2][]const u8{
        .{ "", "find: expected a text, found nothing" },
        .{ "{\"find\": \"\"}", "find: expected a text, found an empty one" },
        .{ "{\"find\": \"a\", \"replaces\": \"b\"}", "replaces: unknown key" },
    }) |row| {
        defer proxy.reset();
        try expectEqual(error.ConfigurationRefused, proxy.start(row[0]));
        try expectEqualStrings(row[1], pw.testing.state.log);
    }
}
