#include "check.h"
#include "policy.h"

static void refuses(std::string_view text, std::string_view reason) {
  Policy policy;
  CHECK_EQUAL(Policy::read(text, policy), reason);
}

int main() {
  Policy policy;
  CHECK_EQUAL(Policy::read(R"({"cluster": "users"})", policy), "");
  CHECK_EQUAL(policy.path, "/");
  CHECK_EQUAL(policy.timeoutMilliseconds, 1000u);

  CHECK(Policy::verdict("200") == Policy::Verdict::Pass);
  CHECK(Policy::verdict("401") == Policy::Verdict::Deny);
  CHECK(Policy::verdict("403") == Policy::Verdict::Deny);
  for (const char *status : {"", "500", "204", "2000", "20"}) {
    CHECK(Policy::verdict(status) == Policy::Verdict::Unavailable);
  }

  refuses(R"({"path": "/"})", "cluster: expected a text, found nothing");
  refuses(R"({"cluster": "a", "path": "check"})", "path: expected a path that begins with \"/\"");
  refuses(R"({"cluster": "a", "timeoutMilliseconds": 0})",
          "timeoutMilliseconds: expected an integer from 1 to 60000, found 0");
  refuses(R"({"cluster": "a", "timeoutMilliseconds": 1e3})",
          "timeoutMilliseconds: expected an integer from 1 to 60000, found 1e3");
  std::cout << "all good" << std::endl;
}
