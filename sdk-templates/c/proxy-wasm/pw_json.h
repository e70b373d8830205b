// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of JSON (RFC 8259) for configurations: no comments, no key twice, valid UTF-8, one value. Its errors
// say where: `timeout: expected an integer from 1 to 10, found 11`.
//
//     pw_json json;
//     if (pw_json_parse(&json, text)) {
//         pw_value root = pw_json_root(&json);
//         pw_allow(root, 2, "header", "limit");
//         pw_slice header = pw_string_or(pw_member(root, "header"), PW_TEXT("x-filtered"));
//         int64_t limit = pw_integer_or(pw_member(root, "limit"), 1, 1000, 10);
//         …copy what is to stay…
//     }
//     bool is_good = !json.has_error;          // false also if any of the readers above has found something wrong
//     if (!is_good) pw_log(PROXY_LOG_ERROR, pw_view(&json.error));
//     pw_json_free(&json);

#ifndef PW_JSON_H
#define PW_JSON_H

#include "pw.h"

/// A text that was read, and the first error that it or a reader of its values has met.
typedef struct {
    /// The text; strings are decoded in place.
    char *text;
    struct pw_json_node *nodes;
    uint32_t count;
    uint32_t capacity;
    bool has_error;
    /// What is wrong; empty if there was no memory to say it.
    pw_buffer error;
} pw_json;

/// A value, or the place where one could be: a member that is missing.
typedef struct {
    pw_json *json;
    /// 0 for a value that is missing, else the number of its node.
    uint32_t node;
    /// What errors call it: the key.
    pw_slice name;
} pw_value;

/// Reads a text; an empty one counts as `{}`.
bool pw_json_parse(pw_json *json, pw_slice text);
/// Frees all that the slices of its values lie in.
void pw_json_free(pw_json *json);

pw_value pw_json_root(pw_json *json);

// MARK: Objects and arrays

/// A member of an object; a missing one if the value has none, which is an error only if the value is no object.
pw_value pw_member(pw_value object, const char *key);
/// Makes every member but these an error; the keys are C strings.
bool pw_allow(pw_value object, unsigned count, ...);
/// The elements of an array in turn: `for (pw_value v = pw_first(array); pw_exists(v); v = pw_next(v))`.
pw_value pw_first(pw_value array);
pw_value pw_next(pw_value element);
bool pw_exists(pw_value value);

// MARK: Values
//
// Each gives something harmless and notes an error if the value is of another kind. With `_or`, one that is missing is
// fine; without, it is an error as well.

pw_slice pw_string(pw_value value);
pw_slice pw_string_or(pw_value value, pw_slice other);
int64_t pw_integer(pw_value value, int64_t least, int64_t most);
int64_t pw_integer_or(pw_value value, int64_t least, int64_t most, int64_t other);
bool pw_boolean_or(pw_value value, bool other);

/// Notes an error in a value, such as `expected a path`; the first one counts.
void pw_value_error(pw_value value, pw_slice reason);

#endif
