#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config.h"

/// What "config.schema.json" describes, and what follows from it. It knows no proxy, so that tests run natively.
struct Prefix {
  /// What a client has to begin with.
  std::string text;

  /// Reads a configuration.
  /// Returns what is wrong with it; an empty text if nothing is.
  static std::string read(std::string_view text, Prefix &prefix) {
    config::Reader reader(text);
    reader.allow({"prefix"});
    prefix.text = reader.text("prefix");
    if (prefix.text.empty()) {
      reader.refuse("prefix", "expected a text, found an empty one");
    }
    return reader.error();
  }

  /// Whether a connection that began with these bytes may pass; nothing if that takes more of them.
  std::optional<bool> verdict(std::string_view bytes) const {
    size_t length = bytes.size() < text.size() ? bytes.size() : text.size();
    if (bytes.substr(0, length) != std::string_view(text).substr(0, length)) {
      return false;
    }
    return length == text.size() ? std::optional<bool>(true) : std::nullopt;
  }
};
