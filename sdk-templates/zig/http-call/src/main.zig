const std = @import("std");
const pw = @import("proxy_wasm");

comptime {
    pw.register(Plugin);
}

/// Asks a service whether a request may pass; made once for each configuration.
const Plugin = struct {
    pub const Stream = Filter;

    /// What "config.schema.json" describes.
    const Settings = struct {
        cluster: []const u8,
        path: []const u8 = "/",
        timeoutMilliseconds: u32 = 1000,
    };

    arena: std.heap.ArenaAllocator,
    settings: Settings,
    /// The contexts of the requests that wait, by the tokens of their calls.
    waiting: std.AutoHashMapUnmanaged(u32, u32) = .empty,

    pub fn init(configuration: []const u8) !Plugin {
        var arena: std.heap.ArenaAllocator = .init(pw.allocator);
        errdefer arena.deinit();
        const settings = try pw.config.parse(Settings, arena.allocator(), configuration);
        if (settings.cluster.len == 0) return pw.config.refuse("cluster", "expected a text, found an empty one");
        if (!std.mem.startsWith(u8, settings.path, "/") or !pw.config.isHeaderValue(settings.path)) {
            return pw.config.refuse("path", "expected a path that begins with \"/\"");
        }
        if (settings.timeoutMilliseconds < 1 or settings.timeoutMilliseconds > 60_000) {
            return pw.config.refuse("timeoutMilliseconds", "expected an integer from 1 to 60000");
        }
        return .{ .arena = arena, .settings = settings };
    }

    pub fn deinit(plugin: *Plugin) void {
        plugin.waiting.deinit(pw.allocator);
        plugin.arena.deinit();
    }

    pub fn onCallResponse(plugin: *Plugin, token: u32, is_answered: bool, body_size: usize) !void {
        _ = body_size;
        // The client may be gone.
        const waiting = plugin.waiting.fetchRemove(token) orelse return;
        const status = if (is_answered) try pw.getStatus(.call_response) else null;
        // The answer is read before the context changes.
        const user = if (status == 200) try pw.getHeader(.call_response, "x-user") else null;
        defer if (user) |text| pw.free(text);
        try pw.setEffectiveContext(waiting.value);
        proceed(status, user) catch {
            // Whatever is wrong, the request must not wait for ever.
            pw.respond(unavailable) catch try pw.close(.request);
        };
    }

    fn proceed(status: ?u16, user: ?[]const u8) !void {
        switch (status orelse 0) {
            200 => {
                if (user) |text| try pw.setHeader(.request, "x-user", text);
                try pw.@"resume"(.request);
            },
            401, 403 => try pw.respond(.{ .status = 403, .body = "denied\n", .details = "denied_by_service" }),
            else => try pw.respond(unavailable),
        }
    }
};

const unavailable: pw.Response = .{ .status = 503, .body = "cannot be checked now\n", .details = "service_failed" };

/// One request.
const Filter = struct {
    plugin: *Plugin,
    id: u32,
    /// The call that it waits for.
    token: ?u32 = null,

    pub fn init(plugin: *Plugin, id: u32) Filter {
        return .{ .plugin = plugin, .id = id };
    }

    pub fn deinit(filter: *Filter) void {
        // The client is gone; an answer that still comes finds nobody.
        if (filter.token) |token| {
            if (filter.plugin.waiting.get(token) == filter.id) _ = filter.plugin.waiting.remove(token);
        }
    }

    pub fn onRequestHeaders(filter: *Filter, end_of_stream: bool) !pw.Action {
        _ = end_of_stream;
        // Only the service may say whose a request is.
        try pw.removeHeader(.request, "x-user");
        filter.ask() catch |failure| {
            pw.logAll(.@"error", &.{ "cannot call the cluster \"", filter.plugin.settings.cluster, "\": ", @errorName(failure) });
            try pw.respond(unavailable);
        };
        return .pause;
    }

    fn ask(filter: *Filter) !void {
        const settings = filter.plugin.settings;
        const path = try pw.getHeader(.request, ":path") orelse &.{};
        defer pw.free(path);
        const authorization = try pw.getHeader(.request, "authorization");
        defer if (authorization) |text| pw.free(text);
        const headers = [_]pw.Header{
            .{ .name = ":method", .value = "GET" },
            .{ .name = ":path", .value = settings.path },
            .{ .name = ":authority", .value = settings.cluster },
            .{ .name = "x-original-path", .value = path },
            .{ .name = "authorization", .value = authorization orelse "" },
        };
        // Room for the answer first: a call that nobody waits for would let the request hang.
        try filter.plugin.waiting.ensureUnusedCapacity(pw.allocator, 1);
        const token = try pw.call(.{
            .cluster = settings.cluster,
            .headers = if (authorization == null) headers[0..4] else &headers,
            .timeout_milliseconds = settings.timeoutMilliseconds,
        });
        filter.plugin.waiting.putAssumeCapacity(token, filter.id);
        filter.token = token;
    }
};

// MARK: Tests

const proxy = pw.testing.Proxy(Plugin);
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

/// Begins a request that waits for the service.
fn begin() !void {
    try proxy.start("{\"cluster\": \"users\", \"path\": \"/check\", \"timeoutMilliseconds\": 50}");
    proxy.open(2);
    try proxy.add(.request, ":path", "/shop");
    try proxy.add(.request, "authorization", "Bearer abc");
    try proxy.add(.request, "x-user", "mallory");
    try expectEqual(.pause, proxy.onRequestHeaders(2, true));
}

fn end() void {
    proxy.close(2);
    proxy.stop();
    proxy.reset();
}

test "asks a service, and says whose a request is" {
    defer end();
    try begin();
    try expectEqualStrings("users", pw.testing.state.call_cluster);
    try expectEqual(50, pw.testing.state.call_timeout);
    try expectEqualStrings("/check", proxy.callHeader(":path").?);
    try expectEqualStrings("/shop", proxy.callHeader("x-original-path").?);
    try expectEqualStrings("Bearer abc", proxy.callHeader("authorization").?);
    try expectEqual(null, proxy.header(.request, "x-user"));
    try proxy.answer("200", &.{.{ .name = "x-user", .value = "alice" }});
    try expectEqual(2, pw.testing.state.effective_context);
    try expectEqual(1, pw.testing.state.continued[0]);
    try expectEqualStrings("alice", proxy.header(.request, "x-user").?);
}

test "refuses what the service does not allow" {
    for ([_]struct { ?[]const u8, u32, []const u8 }{
        .{ "401", 403, "denied\n" },
        .{ "403", 403, "denied\n" },
        .{ "500", 503, "cannot be checked now\n" },
        .{ "many", 503, "cannot be checked now\n" },
        .{ null, 503, "cannot be checked now\n" },
    }) |row| {
        defer end();
        try begin();
        try proxy.answer(row[0], &.{.{ .name = "x-user", .value = "alice" }});
        try expectEqual(row[1], pw.testing.state.response_status);
        try expectEqualStrings(row[2], pw.testing.state.response_body);
        try expectEqual(0, pw.testing.state.continued[0]);
        try expectEqual(null, proxy.header(.request, "x-user"));
    }
}

test "refuses everything without the service" {
    defer end();
    try proxy.start("{\"cluster\": \"nowhere\"}");
    proxy.open(2);
    pw.testing.state.call_status = 2;
    try expectEqual(.pause, proxy.onRequestHeaders(2, true));
    try expectEqual(503, pw.testing.state.response_status);
}

test "forgets a client that has gone" {
    defer proxy.reset();
    try begin();
    proxy.close(2);
    try proxy.answer("200", &.{});
    try expectEqual(0, pw.testing.state.continued[0]);
    proxy.stop();
}

test "refuses a bad configuration" {
    for ([_][2][]const u8{
        .{ "{\"path\": \"/\"}", "cluster: expected a text, found nothing" },
        .{ "{\"cluster\": \"a\", \"path\": \"check\"}", "path: expected a path that begins with \"/\"" },
        .{ "{\"cluster\": \"a\", \"timeoutMilliseconds\": 0}", "timeoutMilliseconds: expected an integer from 1 to 60000" },
        .{ "{\"cluster\": \"a\", \"timeoutMilliseconds\": -1}", "timeoutMilliseconds: expected an integer that is not too large" },
    }) |row| {
        defer proxy.reset();
        try expectEqual(error.ConfigurationRefused, proxy.start(row[0]));
        try expectEqualStrings(row[1], pw.testing.state.log);
    }
}
