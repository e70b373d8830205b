// SPDX-License-Identifier: Apache-2.0

#include "config.h"

#include <cstddef>

namespace config {

namespace {

class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  /// What is wrong; null if nothing is.
  const char *parse(Value &value) {
    if (read(value, 0)) {
      skipSpace();
      if (position_ != text_.size()) {
        fail("something behind the value");
      }
    }
    return problem_;
  }

  size_t position() const { return position_; }

private:
  static constexpr int maximumDepth = 32;

  bool fail(const char *problem) {
    if (problem_ == nullptr) {
      problem_ = problem;
    }
    return false;
  }

  /// The next byte; 0 at the end, which no JSON has.
  unsigned char peek() const { return position_ < text_.size() ? static_cast<unsigned char>(text_[position_]) : 0; }

  bool take(char c) {
    if (position_ < text_.size() && text_[position_] == c) {
      position_++;
      return true;
    }
    return false;
  }

  void skipSpace() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
      position_++;
    }
  }

  bool read(Value &value, int depth) {
    if (depth > maximumDepth) {
      return fail("too many lists and objects inside each other");
    }
    skipSpace();
    unsigned char c = peek();
    if (take('{')) {
      value.kind = Value::Kind::Object;
      return readObject(value, depth);
    }
    if (take('[')) {
      value.kind = Value::Kind::List;
      return readList(value, depth);
    }
    if (take('"')) {
      value.kind = Value::Kind::Text;
      return readText(value.text);
    }
    if (c == '-' || isDigit(c)) {
      value.kind = Value::Kind::Number;
      return readNumber(value.text);
    }
    if (takeWord("true") || takeWord("false")) {
      value.kind = Value::Kind::Boolean;
      value.boolean = c == 't';
      return true;
    }
    return takeWord("null") || fail("expected a value");
  }

  bool takeWord(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) {
      return false;
    }
    position_ += word.size();
    return true;
  }

  bool readObject(Value &object, int depth) {
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      skipSpace();
      std::string key;
      if (!take('"')) {
        return fail("expected a key");
      }
      if (!readText(key)) {
        return false;
      }
      if (object.member(key) != nullptr) {
        return fail("a key that is there twice");
      }
      skipSpace();
      if (!take(':')) {
        return fail("expected a colon");
      }
      object.members.emplace_back(std::move(key), Value());
      if (!read(object.members.back().second, depth + 1)) {
        return false;
      }
      skipSpace();
    } while (take(','));
    return take('}') || fail("expected a comma");
  }

  bool readList(Value &list, int depth) {
    skipSpace();
    if (take(']')) {
      return true;
    }
    do {
      list.elements.emplace_back();
      if (!read(list.elements.back(), depth + 1)) {
        return false;
      }
      skipSpace();
    } while (take(','));
    return take(']') || fail("expected a comma");
  }

  static bool isDigit(unsigned char c) { return c >= '0' && c <= '9'; }

  bool skipDigits() {
    size_t start = position_;
    while (isDigit(peek())) {
      position_++;
    }
    return position_ > start;
  }

  bool readNumber(std::string &number) {
    size_t start = position_;
    take('-');
    bool isGood = take('0') || skipDigits();
    if (isGood && take('.')) {
      isGood = skipDigits();
    }
    if (isGood && (take('e') || take('E'))) {
      if (!take('+')) {
        take('-');
      }
      isGood = skipDigits();
    }
    number = text_.substr(start, position_ - start);
    return isGood || fail("a bad number");
  }

  /// The quote has been taken.
  bool readText(std::string &text) {
    while (position_ < text_.size()) {
      unsigned char c = peek();
      if (take('"')) {
        return true;
      }
      if (c < 0x20) {
        return fail("a control character in a text");
      }
      if (take('\\') ? !readEscape(text) : !readCharacter(text)) {
        return false;
      }
    }
    return fail("a text without its end");
  }

  /// A character as it is, well-formed by RFC 3629.
  bool readCharacter(std::string &text) {
    unsigned char c = peek();
    size_t size = c < 0x80 ? 1 : c >= 0xC2 && c <= 0xDF ? 2 : c >= 0xE0 && c <= 0xEF ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (size == 0 || text_.size() - position_ < size) {
      return fail("text that is not UTF-8");
    }
    for (size_t i = 1; i < size; i++) {
      unsigned char next = static_cast<unsigned char>(text_[position_ + i]);
      unsigned char least = i > 1 ? 0x80 : c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
      unsigned char most = i > 1 ? 0xBF : c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
      if (next < least || next > most) {
        return fail("text that is not UTF-8");
      }
    }
    text.append(text_.substr(position_, size));
    position_ += size;
    return true;
  }

  bool readHex(uint32_t &unit) {
    unit = 0;
    for (int i = 0; i < 4; i++) {
      unsigned char c = peek(), lower = c | 32;
      uint32_t digit = isDigit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
      if (digit == 16) {
        return fail("a bad escape");
      }
      position_++;
      unit = unit << 4 | digit;
    }
    return true;
  }

  bool readEscape(std::string &text) {
    static constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    if (size_t i = names.find(static_cast<char>(peek())); peek() != 0 && i != std::string_view::npos) {
      position_++;
      text += values[i];
      return true;
    }
    uint32_t unit, low;
    if (!take('u')) {
      return fail("a bad escape");
    }
    if (!readHex(unit)) {
      return false;
    }
    if (unit >= 0xD800 && unit < 0xDC00) {
      if (!take('\\') || !take('u') || !readHex(low) || low < 0xDC00 || low > 0xDFFF) {
        return fail("half of a surrogate pair");
      }
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      return fail("half of a surrogate pair");
    }
    append(text, unit);
    return true;
  }

  static void append(std::string &text, uint32_t character) {
    auto tail = [&](int shift) { text += static_cast<char>(0x80 | (character >> shift & 0x3F)); };
    if (character < 0x80) {
      text += static_cast<char>(character);
    } else if (character < 0x800) {
      text += static_cast<char>(0xC0 | character >> 6);
      tail(0);
    } else if (character < 0x10000) {
      text += static_cast<char>(0xE0 | character >> 12);
      tail(6);
      tail(0);
    } else {
      text += static_cast<char>(0xF0 | character >> 18);
      tail(12);
      tail(6);
      tail(0);
    }
  }

  std::string_view text_;
  size_t position_ = 0;
  const char *problem_ = nullptr;
};

/// A number without fraction and exponent, of at most 18 digits, which always fit.
std::optional<int64_t> integerOf(std::string_view text) {
  bool isNegative = !text.empty() && text[0] == '-';
  std::string_view digits = text.substr(isNegative ? 1 : 0);
  int64_t number = 0;
  if (digits.empty() || digits.size() > 18) {
    return std::nullopt;
  }
  for (char digit : digits) {
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    number = number * 10 + (digit - '0');
  }
  return isNegative ? -number : number;
}

} // namespace

const Value *Value::member(std::string_view key) const {
  for (const auto &member : members) {
    if (member.first == key) {
      return &member.second;
    }
  }
  return nullptr;
}

Reader::Reader(std::string_view text) {
  Parser parser(text.empty() ? "{}" : text);
  if (const char *problem = parser.parse(root_)) {
    error_ = std::string("the configuration is no JSON: ") + problem + ", at byte " + std::to_string(parser.position());
  } else if (root_.kind != Value::Kind::Object) {
    error_ = "the configuration is no JSON object";
  }
}

void Reader::allow(std::initializer_list<std::string_view> keys) {
  for (const auto &member : root_.members) {
    bool isKnown = false;
    for (std::string_view key : keys) {
      isKnown = isKnown || key == member.first;
    }
    if (!isKnown) {
      refuse(member.first, "unknown key");
    }
  }
}

void Reader::refuse(std::string_view key, std::string_view reason) {
  if (error_.empty()) {
    error_.append(key).append(": ").append(reason);
  }
}

void Reader::expected(std::string_view key, std::string_view what) {
  static constexpr std::string_view kinds[] = {"null", "a boolean", "a number", "a text", "a list", "an object"};
  const Value *found = value(key);
  std::string reason("expected ");
  reason.append(what).append(", found ");
  reason.append(found == nullptr ? "nothing" : kinds[static_cast<size_t>(found->kind)]);
  refuse(key, reason);
}

std::string Reader::text(std::string_view key, std::optional<std::string_view> other) {
  const Value *found = value(key);
  if (found == nullptr && other) {
    return std::string(*other);
  }
  if (found == nullptr || found->kind != Value::Kind::Text) {
    expected(key, "a text");
    return "";
  }
  return found->text;
}

int64_t Reader::integer(std::string_view key, int64_t least, int64_t most, std::optional<int64_t> other) {
  const Value *found = value(key);
  if (found == nullptr && other) {
    return *other;
  }
  std::string range = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (found == nullptr || found->kind != Value::Kind::Number) {
    expected(key, range);
    return least;
  }
  std::optional<int64_t> number = integerOf(found->text);
  if (!number || *number < least || *number > most) {
    refuse(key, "expected " + range + ", found " + found->text);
    return least;
  }
  return *number;
}

bool Reader::boolean(std::string_view key, bool other) {
  const Value *found = value(key);
  if (found != nullptr && found->kind != Value::Kind::Boolean) {
    expected(key, "true or false");
    return other;
  }
  return found == nullptr ? other : found->boolean;
}

bool isHeaderName(std::string_view text) {
  static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  for (char c : text) {
    bool isGood = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!isGood && others.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

bool isHeaderValue(std::string_view text) {
  return text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
}

} // namespace config
