// Key derivation, its cache, and the table of credentials.
#include "s3/auth/signing_key.h"

#include "tests/s3/auth/requests.h"

#include <doctest/doctest.h>

namespace millrace::s3 {
namespace {

std::string key_of(std::string_view secret, std::string_view date, std::string_view region) {
  return testing::hex(derive_signing_key(secret, date, region));
}

// The first from AWS's chunked example's credentials; all reproduced with Python's hmac module.
TEST_CASE("signing key: derivation") {
  CHECK(key_of(testing::example_secret, "20130524", "us-east-1") ==
        "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
  CHECK(key_of(std::string(60, 's'), "20130524", "us-east-1") ==
        "51e991c7b9446257c982066e7d3815276396eba142f709fda92e4de49be90508");
  CHECK(key_of(std::string(61, 's'), "20130524", "us-east-1") ==
        "90d6e3f7b8ab92232ab1c635d67c97f871c2b2dd6af25d7490e13edb077f0332");
  CHECK(key_of(std::string(200, 's'), "20241231", "eu-central-2") ==
        "6bbcfe0a8fe7f5d5da9e55066a6058ad089abaf3149a30a426a71c872ef9b0d0");
}

TEST_CASE("signing key: the cache hits for the same four things only") {
  SigningKeyCache cache;
  const auto expect = [&](std::string_view key, std::string_view secret, std::string_view date,
                          std::string_view region, std::uint64_t hits) {
    CHECK(cache.key_for(key, secret, date, region) == derive_signing_key(secret, date, region));
    CHECK(cache.hits() == hits);
  };
  expect("AK", "secret", "20130524", "us-east-1", 0);
  expect("AK", "secret", "20130524", "us-east-1", 1);
  expect("AK", "secret2", "20130524", "us-east-1", 1);  // rotated
  expect("AK", "secret", "20130525", "us-east-1", 1);
  expect("AK", "secret", "20130524", "us-east-2", 1);
  expect("AK2", "secret", "20130524", "us-east-1", 1);
  expect("AK", "secret", "20130524", "us-east-1", 2);
}

TEST_CASE("signing key: the cache is bounded and stays right") {
  SigningKeyCache cache;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1'000; ++i) {
      const std::string key = "AK" + std::to_string(i);
      CHECK(cache.key_for(key, "secret" + key, "20130524", "r") ==
            derive_signing_key("secret" + key, "20130524", "r"));
    }
  }
  // Too long to keep: right, and never a hit.
  const std::uint64_t before = cache.hits();
  const std::string longer(129, 'x');
  for (int i = 0; i < 2; ++i) {
    CHECK(cache.key_for(longer, "s", "20130524", "r") == derive_signing_key("s", "20130524", "r"));
    CHECK(cache.key_for("AK", longer, "20130524", "r") ==
          derive_signing_key(longer, "20130524", "r"));
  }
  CHECK(cache.hits() == before);
}

TEST_CASE("signing key: the busiest keys of a set stay") {
  SigningKeyCache cache;
  for (int i = 0; i < 500; ++i) {
    cache.key_for("busy", "s", "20130524", "r");
    cache.key_for("stranger" + std::to_string(i), "s", "20130524", "r");
  }
  CHECK(cache.hits() >= 499);
}

TEST_CASE("credentials: lookup") {
  std::vector<Principal> principals(4);
  principals[0].access_key = "m";
  principals[0].name = "first";
  principals[1].access_key = "z";
  principals[2].access_key = "a";
  principals[3].access_key = "m";
  principals[3].name = "second";
  const CredentialTable table(std::move(principals));
  CHECK(table.size() == 3);
  const CredentialSource source = table.source();
  for (std::string_view key : {"a", "m", "z"}) {
    REQUIRE(source.find(key) != nullptr);
    CHECK(source.find(key)->access_key == key);
    CHECK(source.find(key) == table.find(key));
  }
  CHECK(source.find("m")->name == "first");
  for (std::string_view key : {"", "A", "b", "zz", "mm"}) CHECK(source.find(key) == nullptr);
  CHECK(CredentialTable().find("") == nullptr);
}

}  // namespace
}  // namespace millrace::s3
