// SPDX-License-Identifier: Apache-2.0

#include "pw_json.h"

#include <stdarg.h>

#include "pw_libc.h"

enum kind { MISSING, NULL_VALUE, FALSE_VALUE, TRUE_VALUE, NUMBER, STRING, ARRAY, OBJECT };

/// A value. Those of an array follow it, those of an object too, each behind a string that is its key.
struct pw_json_node {
    uint8_t kind;
    /// Whether this is the last of its array or object.
    bool is_last;
    /// Whether an array or object has anything in it.
    bool has_content;
    /// Behind the last node inside this one.
    uint32_t end;
    /// Of a string the decoded one, of a number as it is written.
    pw_slice text;
};

#define MAXIMUM_DEPTH 32
#define MAXIMUM_NODES 4096

struct reader {
    pw_json *json;
    char *position;
    char *end;
    /// The problem, if there is one.
    const char *problem;
};

// MARK: Reading

static bool fail(struct reader *reader, const char *problem) {
    if (reader->problem == NULL) {
        reader->problem = problem;
    }
    return false;
}

static void skip_space(struct reader *reader) {
    while (reader->position < reader->end) {
        char c = *reader->position;
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        reader->position++;
    }
}

static bool next_is(struct reader *reader, char c) {
    if (reader->position < reader->end && *reader->position == c) {
        reader->position++;
        return true;
    }
    return false;
}

/// Adds a node; its number, or 0 if there is no room.
static uint32_t add(struct reader *reader, enum kind kind) {
    pw_json *json = reader->json;
    if (json->count == json->capacity) {
        uint32_t capacity = json->capacity == 0 ? 16 : json->capacity * 2;
        struct pw_json_node *nodes =
            capacity > MAXIMUM_NODES ? NULL : realloc(json->nodes, capacity * sizeof(*nodes));
        if (nodes == NULL) {
            fail(reader, "it is too large");
            return 0;
        }
        json->nodes = nodes;
        json->capacity = capacity;
    }
    json->nodes[json->count] = (struct pw_json_node){.kind = (uint8_t)kind};
    return json->count++;
}

static bool read_hex(struct reader *reader, uint32_t *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = reader->position < reader->end ? *reader->position++ : 0;
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
            digit = (uint32_t)((c | 32) - 'a') + 10;
        } else {
            return fail(reader, "a bad escape");
        }
        *unit = *unit << 4 | digit;
    }
    return true;
}

/// Writes a character as UTF-8; it has come as an escape, which is longer.
static char *write_character(char *to, uint32_t character) {
    if (character < 0x80) {
        *to++ = (char)character;
    } else if (character < 0x800) {
        *to++ = (char)(0xC0 | character >> 6);
        *to++ = (char)(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        *to++ = (char)(0xE0 | character >> 12);
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    } else {
        *to++ = (char)(0xF0 | character >> 18);
        *to++ = (char)(0x80 | (character >> 12 & 0x3F));
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    return to;
}

static bool read_escape(struct reader *reader, char **to) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = reader->position < reader->end ? *reader->position++ : 0;
    for (size_t i = 0; i < sizeof(names) - 1; i++) {
        if (c == names[i]) {
            *(*to)++ = values[i];
            return true;
        }
    }
    uint32_t unit, low;
    if (c != 'u' || !read_hex(reader, &unit)) {
        return fail(reader, "a bad escape");
    }
    if (unit >= 0xD800 && unit < 0xDC00) {
        if (!next_is(reader, '\\') || !next_is(reader, 'u') || !read_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF) {
            return fail(reader, "half of a surrogate pair");
        }
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else if (unit >= 0xDC00 && unit < 0xE000) {
        return fail(reader, "half of a surrogate pair");
    }
    *to = write_character(*to, unit);
    return true;
}

/// Copies one character of more than one byte, well-formed by RFC 3629.
static bool copy_character(struct reader *reader, char **to) {
    const unsigned char *bytes = (const unsigned char *)reader->position;
    size_t left = (size_t)(reader->end - reader->position), size;
    unsigned char least = 0x80, most = 0xBF;
    if (bytes[0] >= 0xC2 && bytes[0] <= 0xDF) {
        size = 2;
    } else if (bytes[0] >= 0xE0 && bytes[0] <= 0xEF) {
        size = 3;
        least = bytes[0] == 0xE0 ? 0xA0 : 0x80;
        most = bytes[0] == 0xED ? 0x9F : 0xBF;
    } else if (bytes[0] >= 0xF0 && bytes[0] <= 0xF4) {
        size = 4;
        least = bytes[0] == 0xF0 ? 0x90 : 0x80;
        most = bytes[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return fail(reader, "text that is not UTF-8");
    }
    if (left < size || bytes[1] < least || bytes[1] > most) {
        return fail(reader, "text that is not UTF-8");
    }
    for (size_t i = 2; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return fail(reader, "text that is not UTF-8");
        }
    }
    for (size_t i = 0; i < size; i++) {
        *(*to)++ = *reader->position++;
    }
    return true;
}

/// The quote has been read.
static bool read_string(struct reader *reader, uint32_t node) {
    char *start = reader->position, *to = start;
    while (reader->position < reader->end) {
        unsigned char c = (unsigned char)*reader->position;
        if (c == '"') {
            reader->position++;
            reader->json->nodes[node].text = (pw_slice){start, (size_t)(to - start)};
            return true;
        }
        if (c < 0x20) {
            return fail(reader, "a control character in a text");
        }
        if (c == '\\') {
            reader->position++;
            if (!read_escape(reader, &to)) {
                return false;
            }
        } else if (c < 0x80) {
            *to++ = *reader->position++;
        } else if (!copy_character(reader, &to)) {
            return false;
        }
    }
    return fail(reader, "a text without its end");
}

static size_t skip_digits(struct reader *reader) {
    char *start = reader->position;
    while (reader->position < reader->end && *reader->position >= '0' && *reader->position <= '9') {
        reader->position++;
    }
    return (size_t)(reader->position - start);
}

static bool read_number(struct reader *reader, uint32_t node) {
    char *start = reader->position;
    next_is(reader, '-');
    bool is_good = next_is(reader, '0') || skip_digits(reader) != 0;
    if (is_good && next_is(reader, '.')) {
        is_good = skip_digits(reader) != 0;
    }
    if (is_good && (next_is(reader, 'e') || next_is(reader, 'E'))) {
        if (!next_is(reader, '+')) {
            next_is(reader, '-');
        }
        is_good = skip_digits(reader) != 0;
    }
    reader->json->nodes[node].text = (pw_slice){start, (size_t)(reader->position - start)};
    return is_good || fail(reader, "a bad number");
}

static bool read_word(struct reader *reader, pw_slice word, enum kind kind, uint32_t node) {
    if (!pw_starts_with((pw_slice){reader->position, (size_t)(reader->end - reader->position)}, word)) {
        return fail(reader, "expected a value");
    }
    reader->position += word.size;
    reader->json->nodes[node].kind = (uint8_t)kind;
    return true;
}

static bool read_value(struct reader *reader, int depth);

static bool has_key(const pw_json *json, uint32_t object, uint32_t key) {
    for (uint32_t i = object + 1; i < key; i = json->nodes[i + 1].end) {
        if (pw_equal(json->nodes[i].text, json->nodes[key].text)) {
            return true;
        }
    }
    return false;
}

static bool read_key(struct reader *reader, uint32_t object) {
    skip_space(reader);
    if (!next_is(reader, '"')) {
        return fail(reader, "expected a key");
    }
    uint32_t key = add(reader, STRING);
    if (key == 0 || !read_string(reader, key)) {
        return false;
    }
    if (has_key(reader->json, object, key)) {
        return fail(reader, "a key that is there twice");
    }
    skip_space(reader);
    return next_is(reader, ':') || fail(reader, "expected a colon");
}

/// The bracket has been read.
static bool read_contents(struct reader *reader, uint32_t node, enum kind kind, char close, int depth) {
    pw_json *json = reader->json;
    json->nodes[node].kind = (uint8_t)kind;
    if (depth == MAXIMUM_DEPTH) {
        return fail(reader, "too many lists and objects inside each other");
    }
    skip_space(reader);
    if (next_is(reader, close)) {
        return true;
    }
    json->nodes[node].has_content = true;
    while (true) {
        if (kind == OBJECT && !read_key(reader, node)) {
            return false;
        }
        uint32_t value = json->count;
        if (!read_value(reader, depth + 1)) {
            return false;
        }
        skip_space(reader);
        if (next_is(reader, close)) {
            json->nodes[value].is_last = true;
            return true;
        }
        if (!next_is(reader, ',')) {
            return fail(reader, "expected a comma");
        }
    }
}

static bool read_value(struct reader *reader, int depth) {
    skip_space(reader);
    uint32_t node = add(reader, NULL_VALUE);
    if (node == 0) {
        return false;
    }
    bool is_good;
    char c = reader->position < reader->end ? *reader->position : 0;
    if (next_is(reader, '{')) {
        is_good = read_contents(reader, node, OBJECT, '}', depth);
    } else if (next_is(reader, '[')) {
        is_good = read_contents(reader, node, ARRAY, ']', depth);
    } else if (next_is(reader, '"')) {
        reader->json->nodes[node].kind = STRING;
        is_good = read_string(reader, node);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        reader->json->nodes[node].kind = NUMBER;
        is_good = read_number(reader, node);
    } else if (c == 't') {
        is_good = read_word(reader, PW_TEXT("true"), TRUE_VALUE, node);
    } else if (c == 'f') {
        is_good = read_word(reader, PW_TEXT("false"), FALSE_VALUE, node);
    } else {
        is_good = read_word(reader, PW_TEXT("null"), NULL_VALUE, node);
    }
    reader->json->nodes[node].end = reader->json->count;
    return is_good;
}

bool pw_json_parse(pw_json *json, pw_slice text) {
    *json = (pw_json){0};
    pw_slice empty = PW_TEXT("{}");
    pw_slice source = text.size == 0 ? empty : text;
    struct reader reader = {json, NULL, NULL, NULL};
    // The first node is the one that is missing.
    add(&reader, MISSING);
    json->text = malloc(source.size);
    if (json->text == NULL || json->nodes == NULL) {
        json->has_error = true;
        return false;
    }
    memcpy(json->text, source.data, source.size);
    reader.position = json->text;
    reader.end = json->text + source.size;
    if (read_value(&reader, 0)) {
        skip_space(&reader);
        if (reader.position != reader.end) {
            fail(&reader, "something behind the value");
        }
    }
    if (reader.problem != NULL) {
        json->has_error = true;
        pw_append(&json->error, PW_TEXT("the configuration is no JSON: "));
        pw_append(&json->error, (pw_slice){reader.problem, strlen(reader.problem)});
        pw_append(&json->error, PW_TEXT(", at byte "));
        pw_append_number(&json->error, reader.position - json->text);
    }
    return !json->has_error;
}

void pw_json_free(pw_json *json) {
    free(json->text);
    free(json->nodes);
    pw_free(&json->error);
    *json = (pw_json){0};
}

// MARK: Values

static const struct pw_json_node *node_of(pw_value value) {
    return &value.json->nodes[value.node];
}

void pw_value_error(pw_value value, pw_slice reason) {
    pw_json *json = value.json;
    if (json->has_error) {
        return;
    }
    json->has_error = true;
    if (value.name.size != 0) {
        pw_append(&json->error, value.name);
        pw_append(&json->error, PW_TEXT(": "));
    }
    pw_append(&json->error, reason);
}

static void expected(pw_value value, pw_slice what) {
    static const char *const kinds[] = {"nothing", "null", "false", "true", "a number", "a text", "a list", "an object"};
    const char *found = kinds[node_of(value)->kind];
    pw_buffer reason = {0};
    pw_append(&reason, PW_TEXT("expected "));
    pw_append(&reason, what);
    pw_append(&reason, PW_TEXT(", found "));
    pw_append(&reason, (pw_slice){found, strlen(found)});
    pw_value_error(value, pw_view(&reason));
    pw_free(&reason);
}

pw_value pw_json_root(pw_json *json) {
    return (pw_value){json, json->count > 1 ? 1 : 0, {NULL, 0}};
}

bool pw_exists(pw_value value) {
    return value.node != 0;
}

pw_value pw_member(pw_value object, const char *key) {
    pw_json *json = object.json;
    pw_value member = {json, 0, {key, strlen(key)}};
    if (node_of(object)->kind != OBJECT) {
        expected(object, PW_TEXT("an object"));
        return member;
    }
    for (uint32_t i = object.node + 1; i < node_of(object)->end; i = json->nodes[i + 1].end) {
        if (pw_equal(json->nodes[i].text, member.name)) {
            member.node = i + 1;
        }
    }
    return member;
}

bool pw_allow(pw_value object, unsigned count, ...) {
    pw_json *json = object.json;
    if (node_of(object)->kind != OBJECT) {
        expected(object, PW_TEXT("an object"));
        return false;
    }
    for (uint32_t i = object.node + 1; i < node_of(object)->end; i = json->nodes[i + 1].end) {
        bool is_known = false;
        va_list keys;
        va_start(keys, count);
        for (unsigned k = 0; k < count; k++) {
            const char *key = va_arg(keys, const char *);
            is_known = is_known || pw_equal(json->nodes[i].text, (pw_slice){key, strlen(key)});
        }
        va_end(keys);
        if (!is_known) {
            pw_value_error((pw_value){json, i + 1, json->nodes[i].text}, PW_TEXT("unknown key"));
            return false;
        }
    }
    return true;
}

pw_value pw_first(pw_value array) {
    if (node_of(array)->kind != ARRAY) {
        expected(array, PW_TEXT("a list"));
        return (pw_value){array.json, 0, array.name};
    }
    return (pw_value){array.json, node_of(array)->has_content ? array.node + 1 : 0, array.name};
}

pw_value pw_next(pw_value element) {
    bool is_last = element.node == 0 || node_of(element)->is_last;
    return (pw_value){element.json, is_last ? 0 : node_of(element)->end, element.name};
}

pw_slice pw_string(pw_value value) {
    if (node_of(value)->kind == STRING) {
        return node_of(value)->text;
    }
    expected(value, PW_TEXT("a text"));
    return (pw_slice){NULL, 0};
}

pw_slice pw_string_or(pw_value value, pw_slice other) {
    return pw_exists(value) ? pw_string(value) : other;
}

/// A number without fraction and exponent, of at most 18 digits, which always fit.
static bool integer(pw_slice text, int64_t *result) {
    bool is_negative = text.size != 0 && text.data[0] == '-';
    int64_t number = 0;
    if (text.size - is_negative > 18) {
        return false;
    }
    for (size_t i = is_negative; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *result = is_negative ? -number : number;
    return true;
}

int64_t pw_integer(pw_value value, int64_t least, int64_t most) {
    int64_t number;
    if (node_of(value)->kind == NUMBER && integer(node_of(value)->text, &number) && number >= least && number <= most) {
        return number;
    }
    pw_buffer range = {0};
    pw_append(&range, PW_TEXT("an integer from "));
    pw_append_number(&range, least);
    pw_append(&range, PW_TEXT(" to "));
    pw_append_number(&range, most);
    if (node_of(value)->kind == NUMBER) {
        pw_buffer reason = {0};
        pw_append(&reason, PW_TEXT("expected "));
        pw_append(&reason, pw_view(&range));
        pw_append(&reason, PW_TEXT(", found "));
        pw_append(&reason, node_of(value)->text);
        pw_value_error(value, pw_view(&reason));
        pw_free(&reason);
    } else {
        expected(value, pw_view(&range));
    }
    pw_free(&range);
    return least;
}

int64_t pw_integer_or(pw_value value, int64_t least, int64_t most, int64_t other) {
    return pw_exists(value) ? pw_integer(value, least, most) : other;
}

bool pw_boolean_or(pw_value value, bool other) {
    if (!pw_exists(value)) {
        return other;
    }
    if (node_of(value)->kind == TRUE_VALUE || node_of(value)->kind == FALSE_VALUE) {
        return node_of(value)->kind == TRUE_VALUE;
    }
    expected(value, PW_TEXT("true or false"));
    return other;
}
