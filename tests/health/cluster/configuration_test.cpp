// The cluster's settings and secrets as JSON, and back.
#include "health/cluster/configuration.h"

#include <doctest/doctest.h>

using namespace millrace::health::cluster;

namespace {

Configuration example() {
  Configuration configuration;
  configuration.id = "00ff";
  configuration.data = {{.name = "main", .directory = "/mnt/objects", .id = "d0"}};
  configuration.domains = {"s3.example.com"};
  configuration.port = 9100;
  configuration.named_only = true;
  configuration.buckets_max = 7;
  configuration.anonymous_uid = 1000;
  configuration.anonymous_gid = 1001;
  configuration.add("b");
  configuration.add("a");
  configuration.find("b")->drained = true;
  return configuration;
}

std::string error_of(std::string body, std::string_view from, std::string_view to) {
  const std::size_t at = body.find(from);
  REQUIRE(at != body.npos);
  body.replace(at, from.size(), to);
  const auto parsed = configuration_of(body);
  return parsed.has_value() ? "accepted" : parsed.error();
}

}  // namespace

TEST_CASE("configuration: what is written comes back") {
  const Configuration configuration = example();
  const auto parsed = configuration_of(to_body(configuration));
  REQUIRE(parsed.has_value());
  CHECK(*parsed == configuration);
  CHECK(parsed->containers.front().name == "a");  // by name
  Configuration ended = configuration;
  ended.destroyed = true;
  CHECK(configuration_of(to_body(ended))->destroyed);
}

TEST_CASE("configuration: what is missing or wrong is named") {
  const std::string body = to_body(example());
  CHECK(error_of(body, "\"port\":9100", "\"port\":65536").contains("\"port\""));
  CHECK(error_of(body, "\"port\":9100", "\"port\":-1").contains("\"port\""));
  CHECK(error_of(body, "\"port\":9100", "\"pork\":9100").contains("\"port\""));
  CHECK(error_of(body, "\"name\":\"a\"", "\"name\":\"A\"").contains("\"containers\""));
  CHECK(error_of(body, "\"name\":\"a\"", "\"name\":\"b\"").contains("\"containers\""));
  CHECK(error_of(body, "[\"s3.example.com\"]", "[1]").contains("\"domains\""));
  CHECK(error_of(body, "\"named_only\":true", "\"named_only\":1").contains("\"named_only\""));
  CHECK(error_of(body, "\"directory\":", "\"folder\":").contains("\"data\""));
  CHECK_FALSE(configuration_of("").has_value());
  CHECK_FALSE(configuration_of("[]").has_value());
}

TEST_CASE("configuration: a level that this version doesn't know is refused before its contents") {
  const std::string body = to_body(example());
  CHECK(error_of(body, "\"feature_level\":1", "\"feature_level\":2,\"port\":\"auto\"")
            .contains("feature level 2"));
  CHECK(error_of(body, "\"feature_level\":1", "\"feature_level\":-1").contains("feature_level"));
}

TEST_CASE("configuration: names of containers") {
  for (const char* good : {"a", "node-1", "s3.example.com", "0"}) CHECK(container_name_valid(good));
  for (const char* bad : {"", "-a", "a-", ".a", "a.", "A", "a b", "a/b", "a_b"}) {
    CHECK_FALSE(container_name_valid(bad));
  }
  CHECK(container_name_valid(std::string(63, 'a')));
  CHECK_FALSE(container_name_valid(std::string(64, 'a')));
}

TEST_CASE("secrets: what is written comes back") {
  const auto parsed = secrets_of(to_body(Secrets{"access", "secret", "00"}));
  REQUIRE(parsed.has_value());
  CHECK(parsed->access_key == "access");
  CHECK(parsed->secret_key == "secret");
  CHECK(parsed->peer_key == "00");
  CHECK_FALSE(secrets_of("{}").has_value());
}
