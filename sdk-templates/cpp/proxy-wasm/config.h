// SPDX-License-Identifier: Apache-2.0
//
// Reads configurations: strict JSON (RFC 8259) without exceptions. The first thing that is wrong is kept with its place:
// `limit: expected an integer from 1 to 10, found a text`.
//
//     config::Reader reader(text);
//     reader.allow({"header", "limit"});
//     std::string header = reader.text("header", "x-filtered");
//     int64_t limit = reader.integer("limit", 1, 1000, 10);
//     if (!reader.error().empty()) …

#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace config {

/// A value of JSON; a number is the text that was written.
struct Value {
  enum class Kind { Null, Boolean, Number, Text, List, Object };

  Kind kind = Kind::Null;
  bool boolean = false;
  std::string text;
  std::vector<Value> elements;
  std::vector<std::pair<std::string, Value>> members;

  const Value *member(std::string_view key) const;
};

/// The members of a configuration, which is an object; an empty text counts as `{}`.
class Reader {
public:
  explicit Reader(std::string_view text);

  /// Makes every other member an error.
  void allow(std::initializer_list<std::string_view> keys);

  /// A text; without `other` it must be there. What is wrong gives an empty one.
  std::string text(std::string_view key, std::optional<std::string_view> other = std::nullopt);
  /// An integer; without `other` it must be there. What is wrong gives `least`.
  int64_t integer(std::string_view key, int64_t least, int64_t most, std::optional<int64_t> other = std::nullopt);
  bool boolean(std::string_view key, bool other);
  /// Any member, for lists and objects; null if it is not there.
  const Value *value(std::string_view key) const { return root_.member(key); }

  /// Notes an error in a member, unless there is one already.
  void refuse(std::string_view key, std::string_view reason);
  /// What is wrong; empty if nothing is.
  const std::string &error() const { return error_; }

private:
  void expected(std::string_view key, std::string_view what);

  Value root_;
  std::string error_;
};

/// Whether this can be the name of a header (RFC 9110, 5.1).
bool isHeaderName(std::string_view text);
/// Whether this can be the value of a header: no NUL, CR or LF (RFC 9110, 5.5).
bool isHeaderValue(std::string_view text);

} // namespace config
