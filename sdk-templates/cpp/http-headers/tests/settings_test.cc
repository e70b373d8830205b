#include "check.h"
#include "settings.h"

static Settings read(std::string_view text) {
  Settings settings;
  CHECK_EQUAL(Settings::read(text, settings), "");
  return settings;
}

static void refuses(std::string_view text, std::string_view reason) {
  Settings settings;
  CHECK_EQUAL(Settings::read(text, settings), reason);
}

int main() {
  CHECK_EQUAL(read("").header, "hello");
  CHECK_EQUAL(read("{}").value, "world");
  CHECK_EQUAL(read(R"({"header": "x-filtered", "value": "y\u00e9s \ud83d\ude00"})").value, "y\u00e9s \U0001F600");

  refuses(R"({"header": 1})", "header: expected a text, found a number");
  refuses(R"({"header": "not a token"})", "header: expected the name of a header");
  refuses(R"({"value": "two\nlines"})", "value: expected a text without NUL, CR and LF");
  refuses(R"({"value": "\u0000"})", "value: expected a text without NUL, CR and LF");
  refuses(R"({"colour": "red"})", "colour: unknown key");
  refuses("[]", "the configuration is no JSON object");
  refuses(R"({"header":)", "the configuration is no JSON: expected a value, at byte 10");
  refuses(R"({"value": "a", "value": "b"})", "the configuration is no JSON: a key that is there twice, at byte 22");
  refuses("{\"value\": \"\xC0\x80\"}", "the configuration is no JSON: text that is not UTF-8, at byte 11");
  refuses(std::string(40, '['), "the configuration is no JSON: too many lists and objects inside each other, at byte 33");
  std::cout << "all good" << std::endl;
}
