// SPDX-License-Identifier: Apache-2.0

//! Proxy-Wasm filters in Zig.
//!
//! A filter is two types. The plugin is made once for each configuration, a stream once for each request or connection:
//!
//!     comptime {
//!         pw.register(Plugin);
//!     }
//!
//!     const Plugin = struct {
//!         pub const Stream = Filter;
//!         pub fn init(configuration: []const u8) !Plugin { … }   // an error refuses the configuration
//!         pub fn deinit(plugin: *Plugin) void { … }              // if there is something to free
//!     };
//!
//!     const Filter = struct {
//!         pub fn init(plugin: *Plugin, id: u32) Filter { … }
//!         pub fn deinit(filter: *Filter) void { … }
//!         pub fn onResponseHeaders(filter: *Filter, end_of_stream: bool) !pw.Action { … }
//!     };
//!
//! The callbacks that `Stream` and `Plugin` have become exports of the module, and no others, for a host calls each one
//! that there is. An error out of a callback is logged; what comes from the client is then refused, with status 500 or by
//! closing the connection, and what comes from the server goes on.
//!
//! Texts are bytes: nothing that comes from traffic is known to be UTF-8. What a function here returns as `[]u8` is
//! yours: `pw.free` it.

const std = @import("std");
const builtin = @import("builtin");

/// The functions of the host: imports of a module, and the fake host of "testing.zig" natively.
pub const host = if (builtin.target.cpu.arch.isWasm()) @import("abi.zig") else @import("testing.zig").host;

pub const config = @import("config.zig");

/// A host for unit tests.
pub const testing = @import("testing.zig");

/// Where everything is allocated, also by the host.
pub const allocator: std.mem.Allocator =
    if (builtin.target.cpu.arch.isWasm()) std.heap.wasm_allocator else std.testing.allocator;

/// Frees what a function of this file has returned.
pub fn free(bytes: []const u8) void {
    allocator.free(bytes);
}

// MARK: Values

/// Why a function of the host has failed.
pub const Error = error{
    NotFound,
    BadArgument,
    SerializationFailure,
    ParseFailure,
    BadExpression,
    InvalidMemoryAccess,
    Empty,
    CasMismatch,
    ResultMismatch,
    InternalFailure,
    BrokenConnection,
    Unimplemented,
    UnknownStatus,
};

fn check(status: u32) Error!void {
    return switch (status) {
        0 => {},
        1 => error.NotFound,
        2 => error.BadArgument,
        3 => error.SerializationFailure,
        4 => error.ParseFailure,
        5 => error.BadExpression,
        6 => error.InvalidMemoryAccess,
        7 => error.Empty,
        8 => error.CasMismatch,
        9 => error.ResultMismatch,
        10 => error.InternalFailure,
        11 => error.BrokenConnection,
        12 => error.Unimplemented,
        else => error.UnknownStatus,
    };
}

/// What a callback wants to happen to what it was called for.
pub const Action = enum(u32) {
    /// It goes on to the next filter.
    @"continue" = 0,
    /// It waits, for `resume` or for more of it.
    pause = 1,
};

pub const LogLevel = enum(u32) { trace, debug, info, warning, @"error", critical };
pub const StreamKind = enum(u32) { request, response, downstream, upstream };
pub const MetricKind = enum(u32) { counter, gauge, histogram };

pub const HeaderMap = enum(u32) {
    request,
    request_trailers,
    response,
    response_trailers,
    grpc_initial_metadata,
    grpc_trailing_metadata,
    /// In `onCallResponse`, as the next one.
    call_response,
    call_response_trailers,
};

pub const Buffer = enum(u32) {
    request_body,
    response_body,
    downstream_data,
    upstream_data,
    /// In `onCallResponse`.
    call_response_body,
    grpc_message,
    vm_configuration,
    plugin_configuration,
    foreign_function_arguments,
};

pub const Header = struct { name: []const u8, value: []const u8 };

// MARK: Log and time

pub fn log(level: LogLevel, message: []const u8) void {
    _ = host.proxy_log(@backingInt(level), message.ptr, message.len);
}

/// Logs texts as one line, at most 512 bytes of it.
pub fn logAll(level: LogLevel, texts: []const []const u8) void {
    var line: [512]u8 = undefined;
    var size: usize = 0;
    for (texts) |text| {
        const part = text[0..@min(text.len, line.len - size)];
        @memcpy(line[size..][0..part.len], part);
        size += part.len;
    }
    log(level, line[0..size]);
}

/// Nanoseconds since 1970-01-01 00:00 UTC.
pub fn now() Error!u64 {
    var time: u64 = 0;
    try check(host.proxy_get_current_time_nanoseconds(&time));
    return time;
}

/// Has `onTick` of the plugin called at this interval; 0 ends it.
pub fn setTickPeriod(milliseconds: u32) Error!void {
    try check(host.proxy_set_tick_period_milliseconds(milliseconds));
}

// MARK: Headers

fn owned(data: ?[*]u8, size: usize) []u8 {
    return if (data) |bytes| bytes[0..size] else &.{};
}

/// A header's value; null if there is none. Values of several headers of a name come joined by commas.
pub fn getHeader(map: HeaderMap, name: []const u8) Error!?[]u8 {
    var data: ?[*]u8 = null;
    var size: usize = 0;
    check(host.proxy_get_header_map_value(@backingInt(map), name.ptr, name.len, &data, &size)) catch |failure| {
        return if (failure == error.NotFound) null else failure;
    };
    return owned(data, size);
}

/// Sets a header in place of all of its name.
pub fn setHeader(map: HeaderMap, name: []const u8, value: []const u8) Error!void {
    try check(host.proxy_replace_header_map_value(@backingInt(map), name.ptr, name.len, value.ptr, value.len));
}

pub fn addHeader(map: HeaderMap, name: []const u8, value: []const u8) Error!void {
    try check(host.proxy_add_header_map_value(@backingInt(map), name.ptr, name.len, value.ptr, value.len));
}

/// Removes all headers of a name; that there is none is no error.
pub fn removeHeader(map: HeaderMap, name: []const u8) Error!void {
    check(host.proxy_remove_header_map_value(@backingInt(map), name.ptr, name.len)) catch |failure| {
        if (failure != error.NotFound) return failure;
    };
}

/// The number in `:status`; null if there is none.
pub fn getStatus(map: HeaderMap) Error!?u16 {
    const text = try getHeader(map, ":status") orelse return null;
    defer free(text);
    return std.fmt.parseInt(u16, text, 10) catch null;
}

/// All headers of a map, one after the other; `deinit` frees the bytes that they lie in.
pub const Headers = struct {
    pairs: []u8,
    index: usize = 0,
    offset: usize = 0,

    pub fn init(map: HeaderMap) Error!Headers {
        var data: ?[*]u8 = null;
        var size: usize = 0;
        try check(host.proxy_get_header_map_pairs(@backingInt(map), &data, &size));
        return .{ .pairs = owned(data, size) };
    }

    pub fn deinit(headers: *Headers) void {
        free(headers.pairs);
    }

    pub fn next(headers: *Headers) ?Header {
        const count = headers.number(0) orelse return null;
        if (headers.index >= count) return null;
        // The number of pairs, then two sizes for each; names and values follow, each with a NUL.
        if (headers.index == 0) headers.offset = 4 +| @as(usize, count) *| 8;
        const name_size = headers.number(4 + headers.index * 8) orelse return null;
        const value_size = headers.number(8 + headers.index * 8) orelse return null;
        const name = headers.text(name_size) orelse return null;
        const value = headers.text(value_size) orelse return null;
        headers.index += 1;
        return .{ .name = name, .value = value };
    }

    fn number(headers: *const Headers, offset: usize) ?u32 {
        if (headers.pairs.len < offset +| 4) return null;
        return std.mem.readInt(u32, headers.pairs[offset..][0..4], .little);
    }

    fn text(headers: *Headers, size: u32) ?[]const u8 {
        const end = headers.offset +| size;
        if (end >= headers.pairs.len) return null;
        defer headers.offset = end + 1;
        return headers.pairs[headers.offset..end];
    }
};

fn encode(headers: []const Header) error{OutOfMemory}![]u8 {
    var size: usize = 4;
    for (headers) |header| size = size +| 10 +| header.name.len +| header.value.len;
    const bytes = try allocator.alloc(u8, size);
    std.mem.writeInt(u32, bytes[0..4], @intCast(headers.len), .little);
    var end = 4 + headers.len * 8;
    for (headers, 0..) |header, i| {
        for ([_][]const u8{ header.name, header.value }, 0..) |text, j| {
            std.mem.writeInt(u32, bytes[4 + i * 8 + j * 4 ..][0..4], @intCast(text.len), .little);
            @memcpy(bytes[end..][0..text.len], text);
            bytes[end + text.len] = 0;
            end += text.len + 1;
        }
    }
    return bytes;
}

// MARK: Bodies and properties

/// Bytes of a buffer, from `start`, at most `length`.
pub fn getBytes(buffer: Buffer, start: usize, length: usize) Error![]u8 {
    var data: ?[*]u8 = null;
    var size: usize = 0;
    check(host.proxy_get_buffer_bytes(@backingInt(buffer), start, length, &data, &size)) catch |failure| {
        // What has no bytes has no buffer either.
        return if (failure == error.NotFound) &.{} else failure;
    };
    return owned(data, size);
}

/// Replaces `length` bytes of a buffer from `start`.
pub fn setBytes(buffer: Buffer, start: usize, length: usize, bytes: []const u8) Error!void {
    try check(host.proxy_set_buffer_bytes(@backingInt(buffer), start, length, bytes.ptr, bytes.len));
}

/// An attribute of the request, the connection or the node, as in `getProperty("source\x00address")`: the parts of a path
/// are separated by NUL. Null if there is none.
pub fn getProperty(path: []const u8) Error!?[]u8 {
    var data: ?[*]u8 = null;
    var size: usize = 0;
    check(host.proxy_get_property(path.ptr, path.len, &data, &size)) catch |failure| {
        return if (failure == error.NotFound) null else failure;
    };
    return owned(data, size);
}

// MARK: Streams

/// Lets go on what a callback has paused.
pub fn @"resume"(stream: StreamKind) Error!void {
    try check(host.proxy_continue_stream(@backingInt(stream)));
}

/// Resets a request, or closes a connection.
pub fn close(stream: StreamKind) Error!void {
    try check(host.proxy_close_stream(@backingInt(stream)));
}

/// Makes another context the one that functions work on, until the callback returns: for a stream, when an answer came for
/// the plugin.
pub fn setEffectiveContext(id: u32) Error!void {
    try check(host.proxy_set_effective_context(id));
}

pub const Response = struct {
    status: u32,
    headers: []const Header = &.{},
    body: []const u8 = "",
    /// For the access log, without spaces.
    details: []const u8 = "",
};

/// Answers the request in place of the server; return `.pause` afterwards.
pub fn respond(response: Response) (Error || error{OutOfMemory})!void {
    const pairs = try encode(response.headers);
    defer free(pairs);
    try check(host.proxy_send_local_response(response.status, response.details.ptr, response.details.len, response.body.ptr, response.body.len, pairs.ptr, pairs.len, -1));
}

pub const Call = struct {
    /// The name of the cluster in the configuration of the proxy.
    cluster: []const u8,
    /// With `:method`, `:path` and `:authority`.
    headers: []const Header,
    body: []const u8 = "",
    timeout_milliseconds: u32,
};

/// Asks a service. The answer comes to `onCallResponse` of the plugin, under the token that is returned.
pub fn call(request: Call) (Error || error{OutOfMemory})!u32 {
    const pairs = try encode(request.headers);
    defer free(pairs);
    const none = [4]u8{ 0, 0, 0, 0 };
    var token: u32 = 0;
    try check(host.proxy_http_call(request.cluster.ptr, request.cluster.len, pairs.ptr, pairs.len, request.body.ptr, request.body.len, &none, none.len, request.timeout_milliseconds, &token));
    return token;
}

// MARK: Metrics

/// A metric, `wasmcustom.<name>` among the statistics of Envoy; made with the plugin, never for each request.
pub const Metric = struct {
    id: u32,

    pub fn init(kind: MetricKind, name: []const u8) Error!Metric {
        var id: u32 = 0;
        try check(host.proxy_define_metric(@backingInt(kind), name.ptr, name.len, &id));
        return .{ .id = id };
    }

    /// Adds to a counter or a gauge.
    pub fn increment(metric: Metric, offset: i64) Error!void {
        try check(host.proxy_increment_metric(metric.id, offset));
    }

    /// Sets a gauge, or records a value in a histogram.
    pub fn record(metric: Metric, value: u64) Error!void {
        try check(host.proxy_record_metric(metric.id, value));
    }
};

// MARK: Registration

pub const register = @import("register.zig").register;
