// The token's file: what is taken, and what is refused without showing it.
#include "tools/metrics_token.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <string>

using namespace millrace::tools;

namespace {

std::string refusal_of(const std::string& path) {
  const auto token = load_metrics_token(path);
  return token.has_value() ? "accepted" : token.error().line();
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the metrics token is one line of a file that is the server's alone") {
  const TemporaryDirectory directory;
  CHECK(load_metrics_token("").value().empty());
  const std::string path = directory.write("token", "0123456789abcdef-._~+/=\n");
  ::chmod(path.c_str(), 0640);
  CHECK(holds(refusal_of(path), "has mode 0640; run `chmod 600"));
  ::chmod(path.c_str(), 0600);
  CHECK(load_metrics_token(path).value() == "0123456789abcdef-._~+/=");
  ::chmod(path.c_str(), 0400);
  CHECK(refusal_of(path) == "accepted");
  CHECK(holds(refusal_of(path + "-absent"), "No such file"));
  CHECK(holds(refusal_of(directory.path()), "isn't a file"));
  for (const char* text :
       {"", "short", "secret with blanks in it", "two-lines-of-it-\nsecond-line-"}) {
    const std::string wrong = directory.write("wrong", text);
    ::chmod(wrong.c_str(), 0600);
    const std::string refusal = refusal_of(wrong);
    CHECK(holds(refusal, "holds no token"));
    CHECK_FALSE(holds(refusal, "secret"));
    CHECK_FALSE(holds(refusal, "two-lines"));
  }
}
