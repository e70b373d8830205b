#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config.h"

/// What "config.schema.json" describes, and what follows from it. It knows no proxy, so that tests run natively.
struct Policy {
  std::string cluster;
  std::string path;
  uint32_t timeoutMilliseconds = 0;

  /// Reads a configuration.
  /// Returns what is wrong with it; an empty text if nothing is.
  static std::string read(std::string_view text, Policy &policy) {
    config::Reader reader(text);
    reader.allow({"cluster", "path", "timeoutMilliseconds"});
    policy.cluster = reader.text("cluster");
    if (policy.cluster.empty()) {
      reader.refuse("cluster", "expected a text, found an empty one");
    }
    policy.path = reader.text("path", "/");
    if (policy.path.empty() || policy.path[0] != '/' || !config::isHeaderValue(policy.path)) {
      reader.refuse("path", "expected a path that begins with \"/\"");
    }
    policy.timeoutMilliseconds = static_cast<uint32_t>(reader.integer("timeoutMilliseconds", 1, 60000, 1000));
    return reader.error();
  }

  enum class Verdict { Pass, Deny, Unavailable };

  /// What an answer means; the status is empty if there is none.
  static Verdict verdict(std::string_view status) {
    if (status == "200") {
      return Verdict::Pass;
    }
    return status == "401" || status == "403" ? Verdict::Deny : Verdict::Unavailable;
  }
};
