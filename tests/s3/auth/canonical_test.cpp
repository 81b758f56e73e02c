// The canonical request, compared with strings written out by hand.
#include "s3/auth/canonical.h"

#include "tests/s3/auth/requests.h"

#include <doctest/doctest.h>

namespace millrace::s3 {
namespace {

using Hash = std::expected<Sha256::Digest, AuthFailure>;

Hash hash_of(const ClientRequest& request, std::string_view names, bool presigned = false) {
  const http::Head head = testing::head_of(request);
  return hash_canonical_request(
      head, head.query,
      {.signed_headers = names, .payload_hash = "PAYLOAD", .presigned = presigned});
}

// The hash of a GET with this target, and of the canonical request it should have.
bool canonical_is(std::string target, std::string_view path, std::string_view query,
                  bool presigned = false) {
  const ClientRequest request{"GET", std::move(target), {{"Host", "h"}}};
  const std::string expected =
      "GET\n" + std::string(path) + "\n" + std::string(query) + "\nhost:h\n\nhost\nPAYLOAD";
  return hash_of(request, "host", presigned) == Hash(sha256(expected));
}

TEST_CASE("canonical: paths are encoded once and not normalised") {
  CHECK(canonical_is("/", "/", ""));
  CHECK(canonical_is("/a//b/./../c/", "/a//b/./../c/", ""));
  CHECK(canonical_is("/a%20b", "/a%20b", ""));
  CHECK(canonical_is("/a b", "/a%20b", ""));
  CHECK(canonical_is("/a+b", "/a%2Bb", ""));
  CHECK(canonical_is("/a%2bb", "/a%2Bb", ""));
  CHECK(canonical_is("/%61%2D%5f%7E", "/a-_~", ""));
  CHECK(canonical_is("/a%2Fb", "/a/b", ""));
  CHECK(canonical_is("/a%252Fb", "/a%252Fb", ""));
  CHECK(canonical_is("/$&,:;=@!*'()", "/%24%26%2C%3A%3B%3D%40%21%2A%27%28%29", ""));
  CHECK(canonical_is("/\xc3\xa9%C3%A9%00%ff", "/%C3%A9%C3%A9%00%FF", ""));
  CHECK_FALSE(canonical_is("/a", "/b", ""));
}

TEST_CASE("canonical: queries") {
  CHECK(canonical_is("/?uploads", "/", "uploads="));
  CHECK(canonical_is("/?", "/", ""));
  CHECK(canonical_is("/?b=2&a=1", "/", "a=1&b=2"));
  CHECK(canonical_is("/?a=2&a=1&a", "/", "a=&a=1&a=2"));
  CHECK(canonical_is("/?a&&b&", "/", "a=&b="));
  CHECK(canonical_is("/?a=b=c", "/", "a=b%3Dc"));
  CHECK(canonical_is("/?p=x/y%2fz", "/", "p=x%2Fy%2Fz"));
  // A plus is a space, however the space is spelt.
  CHECK(canonical_is("/?p=a+b", "/", "p=a%20b"));
  CHECK(canonical_is("/?p=a%20b", "/", "p=a%20b"));
  CHECK(canonical_is("/?p=a%2Bb", "/", "p=a%2Bb"));
  // By name, then value: "a-b" after "a" although '-' comes before '='.
  CHECK(canonical_is("/?a-b=1&a=2", "/", "a=2&a-b=1"));
  // By the encoded text: "%40" before "0", although '@' comes after it.
  CHECK(canonical_is("/?0=1&%40=1&Z=1&a=1&%C3=1", "/", "%40=1&%C3=1&0=1&Z=1&a=1"));
  CHECK(canonical_is("/?k=%61a&k=a%20", "/", "k=a%20&k=aa"));
  CHECK(canonical_is("/?a=1&X-Amz-Signature=0&b=1", "/", "a=1&b=1", true));
  CHECK(canonical_is("/?a=1&X-Amz-Signature=0", "/", "X-Amz-Signature=0&a=1", false));
}

TEST_CASE("canonical: malformed escapes and too many parameters") {
  for (std::string_view target : {"/%", "/%2", "/%zz", "/%2g", "/?a=%", "/?%1=b", "/?a=%1&b=1"}) {
    const ClientRequest request{"GET", std::string(target), {{"Host", "h"}}};
    CHECK_MESSAGE(hash_of(request, "host").error() == AuthFailure::uri, target);
  }
  ClientRequest request{"GET", "/?", {{"Host", "h"}}};
  for (std::size_t i = 0; i < query_parameters_max; ++i) request.target += "a&";
  CHECK(hash_of(request, "host").has_value());
  request.target += "a";
  CHECK(hash_of(request, "host").error() == AuthFailure::uri);
}

TEST_CASE("canonical: headers") {
  const ClientRequest request{"PUT",
                              "/",
                              {{"X-Amz-Meta-B", "  a   b\t c  "},
                               {"HOST", "h"},
                               {"x-amz-meta-a", "1"},
                               {"ignored", "x"},
                               {"X-AMZ-META-A", " 2 "},
                               {"x-amz-empty", ""}}};
  CHECK(hash_of(request, "host;x-amz-empty;x-amz-meta-a;x-amz-meta-b") ==
        Hash(sha256("PUT\n/\n\nhost:h\nx-amz-empty:\nx-amz-meta-a:1,2\nx-amz-meta-b:a b\t c\n\n"
                    "host;x-amz-empty;x-amz-meta-a;x-amz-meta-b\nPAYLOAD")));
  CHECK(hash_of(request, "host;x-amz-none").error() == AuthFailure::signature_mismatch);
}

TEST_CASE("canonical: long requests pass the writer's buffer whole") {
  const std::string path = "/" + std::string(3'000, 'p');
  const std::string value(2'000, 'v');
  ClientRequest request{"GET", path + "?q=" + value, {{"Host", "h"}, {"x-amz-a", value}}};
  CHECK(hash_of(request, "host;x-amz-a") ==
        Hash(sha256("GET\n" + path + "\nq=" + value + "\nhost:h\nx-amz-a:" + value +
                    "\n\nhost;x-amz-a\nPAYLOAD")));
}

TEST_CASE("canonical: lists of signed headers") {
  for (std::string_view good : {"host", "a;host", "host;x-amz-date", "content-type;host;x-1_b"})
    CHECK_MESSAGE(signed_headers_valid(good), good);
  for (std::string_view bad : {"", ";", "a", "Host", "host;", ";host", "host;;x", "x;host",
                               "host;host", "host;x y", "host;x:y", "host,x", "host;x\n"})
    CHECK_MESSAGE(!signed_headers_valid(bad), bad);
  CHECK(signed_headers_contain("host;x-amz-date", "X-Amz-Date"));
  CHECK(signed_headers_contain("host;x-amz-date", "Host"));
  CHECK_FALSE(signed_headers_contain("host;x-amz-date", "x-amz-dat"));
  CHECK_FALSE(signed_headers_contain("host;x-amz-date", "x-amz-date2"));
}

}  // namespace
}  // namespace millrace::s3
