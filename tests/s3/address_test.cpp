// Path style and virtual-host style.
#include "s3/address.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace millrace;
using s3::Scope;

namespace {

constexpr std::array<std::string_view, 2> domains = {"example.com", "s3.example.com"};

struct Expectation {
  const char* host;
  const char* path;
  Scope scope;
  bool virtual_host;
  std::string_view bucket;
  std::string_view key;
};

s3::Outcome<s3::Address> resolve(std::string_view host, std::string_view path,
                                 s3::BucketBuffer& buffer) {
  http::Head head;
  head.host = host;
  head.path = path;
  return s3::resolve_address(head, domains, buffer);
}

}  // namespace

TEST_CASE("addresses") {
  const std::array table = {
      Expectation{"s3.example.com", "/", Scope::service, false, "", ""},
      Expectation{"s3.example.com", "/b", Scope::bucket, false, "b", ""},
      Expectation{"s3.example.com", "/b/", Scope::bucket, false, "b", ""},
      Expectation{"s3.example.com", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"s3.example.com", "/b//k", Scope::object, false, "b", "/k"},
      Expectation{"s3.example.com", "/b//", Scope::object, false, "b", "/"},
      Expectation{"s3.example.com", "/b/a/../%2e%2E/x%2Fy", Scope::object, false, "b",
                  "a/../%2e%2E/x%2Fy"},
      Expectation{"s3.example.com", "/my%2Dbucket/k%20", Scope::object, false, "my-bucket", "k%20"},
      // The nested domain is a domain itself, not a bucket of the outer one.
      Expectation{"bucket.s3.example.com", "/", Scope::bucket, true, "bucket", ""},
      Expectation{"bucket.s3.example.com", "/k/l", Scope::object, true, "bucket", "k/l"},
      Expectation{"bucket.s3.example.com", "//", Scope::object, true, "bucket", "/"},
      Expectation{"bucket.s3.example.com:9000", "/k", Scope::object, true, "bucket", "k"},
      Expectation{"BuckeT.S3.Example.COM", "/K", Scope::object, true, "bucket", "K"},
      Expectation{"bucket.s3.example.com.", "/k", Scope::object, true, "bucket", "k"},
      Expectation{"a.b.c.s3.example.com", "/k", Scope::object, true, "a.b.c", "k"},
      Expectation{"a.b.example.com", "/k", Scope::object, true, "a.b", "k"},
      // Not under a domain: path style.
      Expectation{"bucket.s3.example.org", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"notexample.com", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"10.1.2.3:9000", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"[::1]:9000", "/b/k", Scope::object, false, "b", "k"},
      Expectation{"[::1]", "/", Scope::service, false, "", ""},
      Expectation{"EXAMPLE.com:80", "/b", Scope::bucket, false, "b", ""},
      Expectation{"s3.example.com", "*", Scope::service, false, "", ""},
  };
  for (const Expectation& expected : table) {
    CAPTURE(expected.host);
    CAPTURE(expected.path);
    s3::BucketBuffer buffer;
    const auto address = resolve(expected.host, expected.path, buffer);
    REQUIRE(address.has_value());
    CHECK(address->scope == expected.scope);
    CHECK(address->virtual_host == expected.virtual_host);
    CHECK(address->bucket == expected.bucket);
    CHECK(address->raw_key == expected.key);
  }
}

TEST_CASE("the order of the domains does not matter") {
  constexpr std::array<std::string_view, 2> turned = {"s3.example.com", "example.com"};
  http::Head head;
  s3::BucketBuffer buffer;
  head.path = "/k";
  head.host = "bucket.s3.example.com";
  CHECK(s3::resolve_address(head, turned, buffer)->bucket == "bucket");
  head.host = "s3.example.com";
  CHECK_FALSE(s3::resolve_address(head, turned, buffer)->virtual_host);
}

TEST_CASE("refused addresses") {
  s3::BucketBuffer buffer;
  CHECK(resolve("s3.example.com", "//k", buffer).error().code ==
        s3::ErrorCode::invalid_bucket_name);
  CHECK(resolve("s3.example.com", "/%zz/k", buffer).error().code == s3::ErrorCode::invalid_uri);
  CHECK(resolve("s3.example.com", "", buffer).error().code == s3::ErrorCode::invalid_uri);
  CHECK(resolve("s3.example.com", "b/k", buffer).error().code == s3::ErrorCode::invalid_uri);
  CHECK(resolve(".s3.example.com", "/k", buffer).error().code ==
        s3::ErrorCode::invalid_bucket_name);
  const std::string huge = "/" + std::string(300, 'b') + "/k";
  CHECK(resolve("", huge, buffer).error().code == s3::ErrorCode::invalid_bucket_name);
  const std::string huge_host = std::string(300, 'b') + ".example.com";
  CHECK(resolve(huge_host, "/k", buffer).error().code == s3::ErrorCode::invalid_bucket_name);
}

TEST_CASE("host names") {
  CHECK(s3::host_name("h:80") == "h");
  CHECK(s3::host_name("h.") == "h");
  CHECK(s3::host_name("[fe80::1]:80") == "fe80::1");
  CHECK(s3::host_name("[broken") == "");
  CHECK(s3::host_name("") == "");
}
