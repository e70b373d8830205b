#include "check.h"
#include "replacement.h"

static void refuses(std::string_view text, std::string_view reason) {
  Replacement replacement;
  CHECK_EQUAL(Replacement::read(text, replacement), reason);
}

int main() {
  Replacement replacement;
  CHECK_EQUAL(Replacement::read(R"({"find": "aab", "replace": "-"})", replacement), "");
  CHECK_EQUAL(replacement.applied("aaab aab aa b aabaab a").value_or("unchanged"), "a- - aa b -- a");
  CHECK(!replacement.applied("ab"));
  CHECK(replacement.mayContinue("x aa"));
  CHECK(replacement.mayContinue("a"));
  CHECK(!replacement.mayContinue("aab"));
  CHECK(!replacement.mayContinue(""));

  Replacement longer{"a", "aa"};
  CHECK_EQUAL(longer.applied("banana").value_or("unchanged"), "baanaanaa");

  refuses("", "find: expected a text, found nothing");
  refuses(R"({"find": ""})", "find: expected a text, found an empty one");
  refuses(R"({"find": "a", "replaces": "b"})", "replaces: unknown key");
  std::cout << "all good" << std::endl;
}
