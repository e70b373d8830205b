// SPDX-License-Identifier: Apache-2.0

//! A host for unit tests, over plain variables; a test calls the callbacks of a filter as a proxy would:
//!
//!     const t = pw_testing.Proxy(Plugin);
//!     defer t.reset();
//!     try t.start("{\"header\": \"x-a\"}");
//!     t.open(2);
//!     try t.add(.response, ":status", "200");
//!     try std.testing.expectEqual(.@"continue", t.onResponseHeaders(2, false));
//!     try std.testing.expectEqualStrings("world", t.header(.response, "x-a").?);
//!     t.close(2);
//!     t.stop();
//!
//! Memory is that of `std.testing.allocator`, which finds what is lost.

const std = @import("std");
const pw = @import("proxy_wasm.zig");

/// What the host itself keeps; not the filter's memory.
const gpa = std.heap.page_allocator;

const Pair = struct { name: []const u8, value: []const u8 };

/// What the module has told the host.
pub const State = struct {
    headers: [8]std.ArrayList(Pair) = @splat(.empty),
    buffers: [9]std.ArrayList(u8) = @splat(.empty),
    metrics: std.ArrayList(struct { name: []const u8, value: u64 }) = .empty,
    log: []const u8 = "",
    effective_context: u32 = 0,
    response_status: u32 = 0,
    response_body: []const u8 = "",
    continued: [4]usize = @splat(0),
    closed: [4]usize = @splat(0),
    calls: u32 = 0,
    call_cluster: []const u8 = "",
    call_timeout: u32 = 0,
    call_headers: std.ArrayList(Pair) = .empty,
    /// What calls answer.
    call_status: u32 = 0,
};

pub var state: State = .{};

/// A proxy with one plugin, whose context is 1.
pub fn Proxy(comptime Plugin: type) type {
    return struct {
        const exports = @import("register.zig").Exports(Plugin);

        /// Forgets everything.
        pub fn reset() void {
            // What the host keeps is never freed: tests are short.
            state = .{};
        }

        pub fn start(configuration: []const u8) error{ConfigurationRefused}!void {
            append(.plugin_configuration, configuration);
            state.effective_context = 1;
            exports.onContextCreate(1, 0);
            const is_good = exports.onConfigure(1, @intCast(configuration.len)) != 0;
            _ = drain(.plugin_configuration);
            if (!is_good) {
                stop();
                return error.ConfigurationRefused;
            }
        }

        pub fn stop() void {
            exports.onDelete(1);
        }

        pub fn open(id: u32) void {
            state.effective_context = id;
            exports.onContextCreate(id, 1);
        }

        pub fn close(id: u32) void {
            exports.onDelete(id);
        }

        // MARK: Callbacks

        pub fn onRequestHeaders(id: u32, end_of_stream: bool) pw.Action {
            state.effective_context = id;
            return @fromBackingInt(exports.onRequestHeaders(id, 0, @intFromBool(end_of_stream)));
        }

        pub fn onResponseHeaders(id: u32, end_of_stream: bool) pw.Action {
            state.effective_context = id;
            return @fromBackingInt(exports.onResponseHeaders(id, 0, @intFromBool(end_of_stream)));
        }

        /// Appends to the body; what is continued is taken out and returned, what is paused stays.
        pub fn onResponseBody(id: u32, part: []const u8, end_of_stream: bool) []const u8 {
            append(.response_body, part);
            state.effective_context = id;
            const size: u32 = @intCast(buffer(.response_body).len);
            const action = exports.onResponseBody(id, size, @intFromBool(end_of_stream));
            return if (action == 0) drain(.response_body) else "";
        }

        /// What is left of the body is taken out and returned.
        pub fn onResponseTrailers(id: u32) []const u8 {
            _ = exports.onResponseTrailers(id, 1);
            return drain(.response_body);
        }

        /// Appends to what a client has sent; what is continued is taken out and returned, what is paused stays.
        pub fn onDownstreamData(id: u32, part: []const u8, end_of_stream: bool) []const u8 {
            append(.downstream_data, part);
            state.effective_context = id;
            const size: u32 = @intCast(buffer(.downstream_data).len);
            const action = exports.onDownstreamData(id, size, @intFromBool(end_of_stream));
            return if (action == 0) drain(.downstream_data) else "";
        }

        /// Answers the last call; without a status there is no answer.
        pub fn answer(status: ?[]const u8, headers: []const pw.Header) !void {
            state.headers[6] = .empty;
            if (status) |text| try add(.call_response, ":status", text);
            for (headers) |each| try add(.call_response, each.name, each.value);
            state.effective_context = 1;
            exports.onCallResponse(1, state.calls, @intFromBool(status != null), 0, 0);
        }

        // MARK: What there is

        pub fn add(map: pw.HeaderMap, name: []const u8, value: []const u8) !void {
            try state.headers[@backingInt(map)].append(gpa, .{ .name = name, .value = value });
        }

        pub fn header(map: pw.HeaderMap, name: []const u8) ?[]const u8 {
            return find(state.headers[@backingInt(map)].items, name);
        }

        pub fn callHeader(name: []const u8) ?[]const u8 {
            return find(state.call_headers.items, name);
        }

        pub fn buffer(which: pw.Buffer) []const u8 {
            return state.buffers[@backingInt(which)].items;
        }

        pub fn metric(name: []const u8) ?u64 {
            for (state.metrics.items) |each| {
                if (std.mem.eql(u8, each.name, name)) return each.value;
            }
            return null;
        }
    };
}

fn append(which: pw.Buffer, bytes: []const u8) void {
    state.buffers[@backingInt(which)].appendSlice(gpa, bytes) catch @panic("out of memory");
}

fn drain(which: pw.Buffer) []const u8 {
    defer state.buffers[@backingInt(which)] = .empty;
    return state.buffers[@backingInt(which)].items;
}

fn find(pairs: []const Pair, name: []const u8) ?[]const u8 {
    for (pairs) |pair| {
        if (std.mem.eql(u8, pair.name, name)) return pair.value;
    }
    return null;
}

fn keep(bytes: []const u8) []const u8 {
    return gpa.dupe(u8, bytes) catch @panic("out of memory");
}

/// Hands bytes over to the filter, as a host does.
fn give(bytes: []const u8, data: *?[*]u8, size: *usize) u32 {
    const copy = pw.allocator.dupe(u8, bytes) catch return 10;
    data.* = copy.ptr;
    size.* = copy.len;
    return 0;
}

fn decode(pairs: []const u8) std.ArrayList(Pair) {
    var list: std.ArrayList(Pair) = .empty;
    var headers: pw.Headers = .{ .pairs = @constCast(keep(pairs)) };
    while (headers.next()) |header| {
        list.append(gpa, .{ .name = header.name, .value = header.value }) catch @panic("out of memory");
    }
    return list;
}

fn removeAll(map: u32, name: []const u8) void {
    const list = &state.headers[map];
    var i = list.items.len;
    while (i > 0) {
        i -= 1;
        if (std.mem.eql(u8, list.items[i].name, name)) _ = list.orderedRemove(i);
    }
}

/// The functions of "abi.zig" that filters of the templates use, and some more. Write here what yours needs.
pub const host = struct {
    pub fn proxy_log(_: u32, message: [*]const u8, size: usize) u32 {
        state.log = keep(message[0..size]);
        return 0;
    }

    pub fn proxy_get_current_time_nanoseconds(time: *u64) u32 {
        time.* = 1_700_000_000_000_000_000;
        return 0;
    }

    pub fn proxy_set_effective_context(context: u32) u32 {
        state.effective_context = context;
        return 0;
    }

    pub fn proxy_set_tick_period_milliseconds(_: u32) u32 {
        return 0;
    }

    pub fn proxy_continue_stream(stream: u32) u32 {
        state.continued[stream] += 1;
        return 0;
    }

    pub fn proxy_close_stream(stream: u32) u32 {
        state.closed[stream] += 1;
        return 0;
    }

    pub fn proxy_send_local_response(status: u32, _: [*]const u8, _: usize, body: [*]const u8, body_size: usize, headers: [*]const u8, headers_size: usize, _: i32) u32 {
        state.response_status = status;
        state.response_body = keep(body[0..body_size]);
        state.headers[2] = decode(headers[0..headers_size]);
        return 0;
    }

    pub fn proxy_get_buffer_bytes(which: u32, start: usize, length: usize, data: *?[*]u8, size: *usize) u32 {
        const bytes = state.buffers[which].items;
        if (start > bytes.len) return 2;
        return give(bytes[start..@min(bytes.len, start +| length)], data, size);
    }

    pub fn proxy_set_buffer_bytes(which: u32, start: usize, length: usize, bytes: [*]const u8, size: usize) u32 {
        const list = &state.buffers[which];
        if (start > list.items.len) return 2;
        list.replaceRange(gpa, start, @min(length, list.items.len - start), bytes[0..size]) catch return 10;
        return 0;
    }

    pub fn proxy_get_header_map_value(map: u32, name: [*]const u8, name_size: usize, data: *?[*]u8, size: *usize) u32 {
        return give(find(state.headers[map].items, name[0..name_size]) orelse return 1, data, size);
    }

    pub fn proxy_add_header_map_value(map: u32, name: [*]const u8, name_size: usize, value: [*]const u8, size: usize) u32 {
        state.headers[map].append(gpa, .{ .name = keep(name[0..name_size]), .value = keep(value[0..size]) }) catch return 10;
        return 0;
    }

    pub fn proxy_replace_header_map_value(map: u32, name: [*]const u8, name_size: usize, value: [*]const u8, size: usize) u32 {
        removeAll(map, name[0..name_size]);
        return proxy_add_header_map_value(map, name, name_size, value, size);
    }

    pub fn proxy_remove_header_map_value(map: u32, name: [*]const u8, name_size: usize) u32 {
        removeAll(map, name[0..name_size]);
        return 0;
    }

    pub fn proxy_get_property(_: [*]const u8, _: usize, _: *?[*]u8, _: *usize) u32 {
        return 1;
    }

    pub fn proxy_define_metric(_: u32, name: [*]const u8, name_size: usize, metric: *u32) u32 {
        for (state.metrics.items, 0..) |each, i| {
            if (std.mem.eql(u8, each.name, name[0..name_size])) {
                metric.* = @intCast(i);
                return 0;
            }
        }
        metric.* = @intCast(state.metrics.items.len);
        state.metrics.append(gpa, .{ .name = keep(name[0..name_size]), .value = 0 }) catch return 10;
        return 0;
    }

    pub fn proxy_increment_metric(metric: u32, offset: i64) u32 {
        if (metric >= state.metrics.items.len) return 1;
        state.metrics.items[metric].value +%= @bitCast(offset);
        return 0;
    }

    pub fn proxy_record_metric(metric: u32, value: u64) u32 {
        if (metric >= state.metrics.items.len) return 1;
        state.metrics.items[metric].value = value;
        return 0;
    }

    pub fn proxy_http_call(cluster: [*]const u8, cluster_size: usize, headers: [*]const u8, headers_size: usize, _: [*]const u8, _: usize, _: [*]const u8, _: usize, timeout: u32, token: *u32) u32 {
        if (state.call_status != 0) return state.call_status;
        state.calls += 1;
        state.call_cluster = keep(cluster[0..cluster_size]);
        state.call_headers = decode(headers[0..headers_size]);
        state.call_timeout = timeout;
        token.* = state.calls;
        return 0;
    }
};
