// What GetObject says of metadata that no head can carry, and of what it can.
#include "s3/handlers/object_headers.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace millrace;
using namespace millrace::s3;

namespace {

std::string head_of(std::span<const store::Pair> pairs) {
  store::MetadataView meta;
  std::vector<std::byte> packed(store::PackedPairs::packed_bytes(pairs));
  meta.user = store::PackedPairs::pack(pairs, packed).value();
  std::array<char, 4096> room;
  http::HeadWriter head(room);
  REQUIRE(head.status(200));
  REQUIRE(handlers::write_object_headers(head, meta, QueryParameters(""), false));
  return std::string(head.finish().value());
}

bool has(const std::string& head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("object headers: what a head cannot carry is left out and counted") {
  const store::Pair pairs[] = {
      {"good", "v"}, {"split", "a\r\nx-injected: yes"}, {"n\xc3\xa4me", "v"}, {"latin", "caf\xe9"}};
  const std::string head = head_of(pairs);
  CHECK(has(head, "x-amz-meta-good: v"));
  CHECK(has(head, "x-amz-meta-latin: =?UTF-8?Q?caf=C3=A9?="));
  CHECK(has(head, "x-amz-missing-meta: 2"));
  CHECK(head.find("injected") == std::string::npos);
  const store::Pair all_good[] = {{"good", "v"}};
  CHECK(head_of(all_good).find("missing") == std::string::npos);
}

TEST_CASE("object headers: overrides are told from other parameters") {
  for (const char* query :
       {"response-content-type=x", "a=b&response-expires=x", "response%2Dcache-control=no-store"}) {
    CAPTURE(query);
    CHECK(handlers::overrides_headers(QueryParameters(query)));
  }
  for (const char* query :
       {"", "response=x", "restore", "partNumber=1&versionId=response-expires"}) {
    CAPTURE(query);
    CHECK_FALSE(handlers::overrides_headers(QueryParameters(query)));
  }
}
