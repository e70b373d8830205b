#pragma once

#include <string>
#include <string_view>

#include "config.h"

/// What "config.schema.json" describes. It knows no proxy, so that tests run natively.
struct Settings {
  std::string header;
  std::string value;

  /// Reads a configuration.
  /// Returns what is wrong with it; an empty text if nothing is.
  static std::string read(std::string_view text, Settings &settings) {
    config::Reader reader(text);
    reader.allow({"header", "value"});
    settings.header = reader.text("header", "hello");
    if (!config::isHeaderName(settings.header)) {
      reader.refuse("header", "expected the name of a header");
    }
    settings.value = reader.text("value", "world");
    if (!config::isHeaderValue(settings.value)) {
      reader.refuse("value", "expected a text without NUL, CR and LF");
    }
    return reader.error();
  }
};
