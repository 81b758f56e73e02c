// The framing rules by themselves, without llhttp, which enforces some of them too and is not
// relied on for any.
#include "http/framing.h"

#include <doctest/doctest.h>
#include <initializer_list>

namespace millrace::http {
namespace {

// 200, or the refusal.
int judge(std::uint8_t version_minor, std::initializer_list<Field> fields) {
  Head head;
  head.version_minor = version_minor;
  for (const Field& field : fields) head.field_slots[head.field_count++] = field;
  const auto applied = apply_framing(head);
  return applied ? 200 : applied.error().status;
}

constexpr Field host{"Host", "h"};

TEST_CASE("framing: one length, one coding, never both") {
  CHECK(judge(1, {host}) == 200);
  CHECK(judge(1, {host, {"Content-Length", "5"}}) == 200);
  CHECK(judge(1, {host, {"Content-Length", "5"}, {"Content-Length", "5"}}) == 400);
  CHECK(judge(1, {host, {"Content-Length", "5"}, {"content-LENGTH", "6"}}) == 400);
  CHECK(judge(1, {host, {"Content-Length", "5, 5"}}) == 400);
  CHECK(judge(1, {host, {"Content-Length", ""}}) == 400);
  CHECK(judge(1, {host, {"Transfer-Encoding", "chunked"}}) == 200);
  CHECK(judge(1, {host, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}) == 400);
  CHECK(judge(1, {host, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}) ==
        501);
  CHECK(judge(1, {host, {"Transfer-Encoding", "identity"}}) == 501);
  CHECK(judge(1, {host, {"Transfer-Encoding", ""}}) == 501);
  CHECK(judge(0, {{"Transfer-Encoding", "chunked"}}) == 400);
}

TEST_CASE("framing: one Host, needed in 1.1 only") {
  CHECK(judge(1, {}) == 400);
  CHECK(judge(0, {}) == 200);
  CHECK(judge(1, {host, host}) == 400);
  CHECK(judge(0, {host, host}) == 400);
  CHECK(judge(1, {{"Host", "a b"}}) == 400);
  CHECK(judge(1, {{"Host", ""}}) == 200);
}

}  // namespace
}  // namespace millrace::http
