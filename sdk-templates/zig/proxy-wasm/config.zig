// SPDX-License-Identifier: Apache-2.0

//! Reads configurations: a JSON object into a struct. A field's name is its key, a field with a default may be left out,
//! and what has no field is refused. Errors are logged with the place: `limit: expected an integer, found a text`.
//!
//!     const Settings = struct { header: []const u8 = "hello", limit: u32 };
//!     var arena: std.heap.ArenaAllocator = .init(pw.allocator);
//!     errdefer arena.deinit();
//!     const settings = try pw.config.parse(Settings, arena.allocator(), text);
//!     if (settings.limit == 0) return pw.config.refuse("limit", "expected a number above 0");

const std = @import("std");
const pw = @import("proxy_wasm.zig");

const Scanner = std.json.Scanner;

pub const Error = error{ InvalidConfiguration, OutOfMemory };

/// Logs what is wrong with a value; return what this returns.
pub fn refuse(key: []const u8, reason: []const u8) Error {
    pw.logAll(.@"error", &.{ key, ": ", reason });
    return error.InvalidConfiguration;
}

/// Reads a text; an empty one counts as `{}`. Texts lie in memory of the arena.
pub fn parse(comptime Settings: type, arena: std.mem.Allocator, text: []const u8) Error!Settings {
    var scanner = Scanner.initCompleteInput(arena, if (text.len == 0) "{}" else text);
    defer scanner.deinit();
    return read(Settings, arena, &scanner) catch |failure| switch (failure) {
        error.InvalidConfiguration, error.OutOfMemory => |known| known,
        else => {
            pw.log(.@"error", "the configuration is no JSON");
            return error.InvalidConfiguration;
        },
    };
}

fn read(comptime Settings: type, arena: std.mem.Allocator, scanner: *Scanner) !Settings {
    const fields = @typeInfo(Settings).@"struct";
    var settings: Settings = undefined;
    var is_set: [fields.field_names.len]bool = @splat(false);
    const begin = try scanner.next();
    if (begin != .object_begin) return refuse("configuration", "expected an object");
    while (true) {
        const key = switch (try scanner.nextAlloc(arena, .alloc_always)) {
            .object_end => break,
            .allocated_string => |key| key,
            else => return error.SyntaxError,
        };
        var is_known = false;
        inline for (fields.field_names, fields.field_types, 0..) |name, Value, i| {
            if (std.mem.eql(u8, key, name)) {
                if (is_set[i]) return refuse(name, "it is there twice");
                is_set[i] = true;
                is_known = true;
                @field(settings, name) = try readValue(Value, name, arena, scanner);
            }
        }
        if (!is_known) return refuse(key, "unknown key");
    }
    if (try scanner.next() != .end_of_document) return error.SyntaxError;
    inline for (fields.field_names, fields.field_types, fields.field_attrs, 0..) |name, Value, attributes, i| {
        if (!is_set[i]) {
            @field(settings, name) = attributes.defaultValue(Value) orelse
                return refuse(name, "expected " ++ comptime kindOf(Value) ++ ", found nothing");
        }
    }
    return settings;
}

fn kindOf(comptime Value: type) []const u8 {
    return switch (@typeInfo(Value)) {
        .bool => "true or false",
        .int => "an integer",
        .pointer => |pointer| if (pointer.child == u8) "a text" else "a list",
        else => @compileError("a configuration has no values of type " ++ @typeName(Value)),
    };
}

fn readValue(comptime Value: type, name: []const u8, arena: std.mem.Allocator, scanner: *Scanner) !Value {
    const token = try scanner.nextAlloc(arena, .alloc_always);
    switch (@typeInfo(Value)) {
        .bool => switch (token) {
            .true => return true,
            .false => return false,
            else => {},
        },
        .int => if (token == .allocated_number) {
            return std.fmt.parseInt(Value, token.allocated_number, 10) catch
                refuse(name, "expected an integer that is not too large");
        },
        .pointer => |pointer| if (pointer.child == u8) {
            if (token == .allocated_string) {
                // The scanner lets pass what is not UTF-8.
                if (!std.unicode.utf8ValidateSlice(token.allocated_string)) return error.SyntaxError;
                return token.allocated_string;
            }
        } else if (token == .array_begin) {
            var elements: std.ArrayList(pointer.child) = .empty;
            while (try scanner.peekNextTokenType() != .array_end) {
                try elements.append(arena, try readValue(pointer.child, name, arena, scanner));
            }
            _ = try scanner.next();
            return elements.items;
        },
        else => comptime unreachable,
    }
    const found = switch (token) {
        .object_begin => "an object",
        .array_begin => "a list",
        .true, .false => "a boolean",
        .null => "null",
        .allocated_number => "a number",
        .allocated_string => "a text",
        else => return error.SyntaxError,
    };
    pw.logAll(.@"error", &.{ name, ": expected ", kindOf(Value), ", found ", found });
    return error.InvalidConfiguration;
}

/// Whether this can be the name of a header (RFC 9110, 5.1).
pub fn isHeaderName(text: []const u8) bool {
    for (text) |c| {
        if (!std.ascii.isAlphanumeric(c) and std.mem.indexOfScalar(u8, "!#$%&'*+-.^_`|~", c) == null) return false;
    }
    return text.len > 0;
}

/// Whether this can be the value of a header: no NUL, CR or LF (RFC 9110, 5.5).
pub fn isHeaderValue(text: []const u8) bool {
    return std.mem.indexOfAny(u8, text, "\x00\r\n") == null;
}
