// SPDX-License-Identifier: Apache-2.0

//! Makes exports of the callbacks that a plugin and its streams have, and keeps both by the ids of their contexts.

const std = @import("std");
const pw = @import("proxy_wasm.zig");

const is_wasm = @import("builtin").target.cpu.arch.isWasm();

/// Makes `Plugin` the plugin of this module; call it at compile time.
pub fn register(comptime Plugin: type) void {
    if (is_wasm) Exports(Plugin).exportAll();
}

/// The callbacks of a module for a plugin; tests call them natively.
pub fn Exports(comptime Plugin: type) type {
    return struct {
        const Stream = Plugin.Stream;

        /// A plugin stays while its context or one of its streams does.
        const Root = struct { references: usize, plugin: ?Plugin = null };
        const Entry = struct { root: *Root, stream: Stream };

        var roots: std.AutoHashMapUnmanaged(u32, *Root) = .empty;
        /// The entries lie where they are: a stream may keep its own address.
        var streams: std.AutoHashMapUnmanaged(u32, *Entry) = .empty;

        fn release(root: *Root) void {
            root.references -= 1;
            if (root.references > 0) return;
            if (root.plugin) |*plugin| {
                if (@hasDecl(Plugin, "deinit")) plugin.deinit();
            }
            pw.allocator.destroy(root);
        }

        // MARK: Contexts

        pub fn onContextCreate(id: u32, parent: u32) callconv(.c) void {
            create(id, parent) catch pw.log(.critical, "out of memory for a context");
        }

        fn create(id: u32, parent: u32) !void {
            if (parent == 0) {
                const root = try pw.allocator.create(Root);
                errdefer pw.allocator.destroy(root);
                root.* = .{ .references = 1 };
                try roots.put(pw.allocator, id, root);
                return;
            }
            const root = roots.get(parent) orelse return;
            if (root.plugin == null) return;
            const entry = try pw.allocator.create(Entry);
            errdefer pw.allocator.destroy(entry);
            try streams.put(pw.allocator, id, entry);
            entry.* = .{ .root = root, .stream = .init(&root.plugin.?, id) };
            root.references += 1;
        }

        pub fn onDelete(id: u32) callconv(.c) void {
            if (streams.fetchRemove(id)) |removed| {
                const entry = removed.value;
                if (@hasDecl(Stream, "deinit")) entry.stream.deinit();
                release(entry.root);
                pw.allocator.destroy(entry);
            } else if (roots.fetchRemove(id)) |removed| {
                release(removed.value);
            }
            if (roots.count() == 0 and streams.count() == 0) {
                roots.clearAndFree(pw.allocator);
                streams.clearAndFree(pw.allocator);
            }
        }

        pub fn onConfigure(id: u32, size: u32) callconv(.c) u32 {
            const root = roots.get(id) orelse return 0;
            configure(root, size) catch |failure| {
                // A refused configuration has said why already.
                if (failure != error.InvalidConfiguration) pw.logAll(.@"error", &.{ "cannot configure: ", @errorName(failure) });
                return 0;
            };
            return 1;
        }

        fn configure(root: *Root, size: u32) !void {
            const text = try pw.getBytes(.plugin_configuration, 0, size);
            defer pw.free(text);
            const plugin = try Plugin.init(text);
            // A second configuration takes the place of the first, which streams may be using: they see the new one.
            if (root.plugin) |*old| {
                if (@hasDecl(Plugin, "deinit")) old.deinit();
            }
            root.plugin = plugin;
        }

        // MARK: Streams

        fn Callback(comptime name: []const u8, comptime kind: pw.StreamKind) type {
            return struct {
                fn headers(id: u32, count: u32, end_of_stream: u32) callconv(.c) u32 {
                    _ = count;
                    const entry = streams.get(id) orelse return missing(kind);
                    return outcome(name, kind, @field(Stream, name)(&entry.stream, end_of_stream != 0));
                }

                fn data(id: u32, size: u32, end_of_stream: u32) callconv(.c) u32 {
                    const entry = streams.get(id) orelse return missing(kind);
                    return outcome(name, kind, @field(Stream, name)(&entry.stream, @as(usize, size), end_of_stream != 0));
                }

                fn trailers(id: u32, count: u32) callconv(.c) u32 {
                    _ = count;
                    const entry = streams.get(id) orelse return missing(kind);
                    return outcome(name, kind, @field(Stream, name)(&entry.stream));
                }
            };
        }

        fn outcome(comptime name: []const u8, kind: pw.StreamKind, result: anytype) u32 {
            const action: pw.Action = result catch |failure| {
                pw.logAll(.@"error", &.{ name ++ ": ", @errorName(failure) });
                return fail(kind);
            };
            return @backingInt(action);
        }

        /// There was no memory for the stream.
        fn missing(kind: pw.StreamKind) u32 {
            return fail(kind);
        }

        /// What comes from the client is refused; what comes from the server goes on.
        fn fail(kind: pw.StreamKind) u32 {
            switch (kind) {
                .request => pw.respond(.{ .status = 500, .details = "filter_failed" }) catch
                    pw.close(.request) catch {},
                .downstream => pw.close(.downstream) catch {},
                .response, .upstream => return @backingInt(pw.Action.@"continue"),
            }
            return @backingInt(pw.Action.pause);
        }

        pub const onRequestHeaders = Callback("onRequestHeaders", .request).headers;
        pub const onRequestBody = Callback("onRequestBody", .request).data;
        pub const onRequestTrailers = Callback("onRequestTrailers", .request).trailers;
        pub const onResponseHeaders = Callback("onResponseHeaders", .response).headers;
        pub const onResponseBody = Callback("onResponseBody", .response).data;
        pub const onResponseTrailers = Callback("onResponseTrailers", .response).trailers;
        pub const onDownstreamData = Callback("onDownstreamData", .downstream).data;
        pub const onUpstreamData = Callback("onUpstreamData", .upstream).data;

        pub fn onLog(id: u32) callconv(.c) void {
            const entry = streams.get(id) orelse return;
            entry.stream.onLog();
        }

        // MARK: Plugins

        pub fn onTick(id: u32) callconv(.c) void {
            const root = roots.get(id) orelse return;
            if (root.plugin) |*plugin| plugin.onTick();
        }

        /// The answer to `pw.call`; without headers there is none.
        pub fn onCallResponse(id: u32, token: u32, headers: u32, body_size: u32, trailers: u32) callconv(.c) void {
            _ = trailers;
            const root = roots.get(id) orelse return;
            if (root.plugin) |*plugin| {
                plugin.onCallResponse(token, headers != 0, body_size) catch |failure|
                    pw.logAll(.@"error", &.{ "onCallResponse: ", @errorName(failure) });
            }
        }

        // MARK: Exports

        fn exportAll() void {
            @export(&initialize, .{ .name = "_initialize" });
            @export(&version, .{ .name = "proxy_abi_version_0_2_1" });
            @export(&malloc, .{ .name = "malloc" });
            @export(&onContextCreate, .{ .name = "proxy_on_context_create" });
            @export(&onConfigure, .{ .name = "proxy_on_configure" });
            @export(&onDelete, .{ .name = "proxy_on_delete" });
            for (.{
                .{ "onRequestHeaders", "proxy_on_request_headers" },
                .{ "onRequestBody", "proxy_on_request_body" },
                .{ "onRequestTrailers", "proxy_on_request_trailers" },
                .{ "onResponseHeaders", "proxy_on_response_headers" },
                .{ "onResponseBody", "proxy_on_response_body" },
                .{ "onResponseTrailers", "proxy_on_response_trailers" },
                .{ "onDownstreamData", "proxy_on_downstream_data" },
                .{ "onUpstreamData", "proxy_on_upstream_data" },
                .{ "onLog", "proxy_on_log" },
            }) |names| {
                if (@hasDecl(Stream, names[0])) @export(&@field(@This(), names[0]), .{ .name = names[1] });
            }
            if (@hasDecl(Plugin, "onTick")) @export(&onTick, .{ .name = "proxy_on_tick" });
            if (@hasDecl(Plugin, "onCallResponse")) @export(&onCallResponse, .{ .name = "proxy_on_http_call_response" });
        }

        fn initialize() callconv(.c) void {}
        fn version() callconv(.c) void {}

        /// The host gets memory by this; it hands over exactly what it has asked for, so that slices can be freed.
        fn malloc(size: usize) callconv(.c) ?[*]u8 {
            const bytes = pw.allocator.alloc(u8, size) catch return null;
            return bytes.ptr;
        }
    };
}
