#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "config.h"

/// What "config.schema.json" describes, and what follows from it. It knows no proxy, so that tests run natively.
struct Replacement {
  std::string find;
  std::string replace;

  /// Reads a configuration.
  /// Returns what is wrong with it; an empty text if nothing is.
  static std::string read(std::string_view text, Replacement &replacement) {
    config::Reader reader(text);
    reader.allow({"find", "replace"});
    replacement.find = reader.text("find");
    if (replacement.find.empty()) {
      reader.refuse("find", "expected a text, found an empty one");
    }
    replacement.replace = reader.text("replace", "");
    return reader.error();
  }

  /// The bytes with every occurrence replaced; nothing if there is none.
  std::optional<std::string> applied(std::string_view bytes) const {
    size_t place = bytes.find(find), copied = 0;
    if (place == std::string_view::npos) {
      return std::nullopt;
    }
    std::string changed;
    for (; place != std::string_view::npos; place = bytes.find(find, copied)) {
      changed.append(bytes.substr(copied, place - copied)).append(replace);
      copied = place + find.size();
    }
    changed.append(bytes.substr(copied));
    return changed;
  }

  /// Whether the bytes end with a beginning of the text, of which the rest may follow.
  bool mayContinue(std::string_view bytes) const {
    for (size_t length = std::min(find.size() - 1, bytes.size()); length > 0; length--) {
      if (bytes.substr(bytes.size() - length) == std::string_view(find).substr(0, length)) {
        return true;
      }
    }
    return false;
  }
};
