#include "check.h"
#include "prefix.h"

static void refuses(std::string_view text, std::string_view reason) {
  Prefix prefix;
  CHECK_EQUAL(Prefix::read(text, prefix), reason);
}

int main() {
  Prefix prefix;
  CHECK_EQUAL(Prefix::read(R"({"prefix": "HELLO "})", prefix), "");
  CHECK(!prefix.verdict("").has_value());
  CHECK(!prefix.verdict("HEL").has_value());
  CHECK(prefix.verdict("HELLO ") == std::optional<bool>(true));
  CHECK(prefix.verdict("HELLO you") == std::optional<bool>(true));
  CHECK(prefix.verdict("HELP") == std::optional<bool>(false));
  CHECK(prefix.verdict("B") == std::optional<bool>(false));

  refuses("", "prefix: expected a text, found nothing");
  refuses(R"({"prefix": ""})", "prefix: expected a text, found an empty one");
  refuses(R"({"prefix": ["a"]})", "prefix: expected a text, found a list");
  std::cout << "all good" << std::endl;
}
