// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstdio>
#include <cstdlib>
#include <iostream>

/// Ends the test with the place where something is not as it should be.
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::cerr << __FILE__ << ":" << __LINE__ << ": not so: " << #condition << std::endl;                             \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (false)

/// As `CHECK`, for two values that can be compared and printed.
#define CHECK_EQUAL(actual, expected)                                                                                  \
  do {                                                                                                                 \
    const auto &actual_value = (actual);                                                                               \
    const auto &expected_value = (expected);                                                                           \
    if (!(actual_value == expected_value)) {                                                                           \
      std::cerr << __FILE__ << ":" << __LINE__ << ": " << #actual << " is \"" << actual_value << "\", not \""          \
                << expected_value << "\"" << std::endl;                                                                \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (false)
