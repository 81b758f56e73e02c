// Policies of forms: what they are, and what they allow.
#include "s3/post/policy.h"

#include "s3/digest/encoding.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace millrace;
using namespace millrace::s3;

namespace {

post::PolicyResult<post::PostPolicy> parse(std::string_view text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  return post::parse_policy(base64_text(bytes));
}

std::string conditions(const std::string& list) {
  return "{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[" + list + "]}";
}

std::string checked(const std::string& list, std::vector<post::FormField> fields,
                    std::int64_t now = 0) {
  const auto policy = parse(conditions(list));
  if (!policy) return policy.error().message;
  const auto allowed = post::check_policy(*policy, fields, "bucket", now);
  return allowed ? "" : allowed.error().message;
}

const std::string base = R"({"bucket":"bucket"},["starts-with","$key",""])";

}  // namespace

TEST_CASE("policy: every field needs a condition, every condition its field") {
  const post::FormField key{"key", "k"};
  CHECK(checked(base, {key, {"policy", "p"}, {"X-Amz-Signature", "s"}, {"x-ignore-a", "b"}}) == "");
  CHECK(checked(base, {key, {"acl", "private"}}) ==
        "Invalid according to Policy: Extra input fields: acl");
  CHECK(checked(R"(["starts-with","$key",""])", {key}) ==
        "Invalid according to Policy: Extra input fields: bucket");
  CHECK(checked(base + R"(,{"acl":"private"})", {key}) ==
        R"(Invalid according to Policy: Policy Condition failed: ["eq", "$acl", "private"])");
  CHECK(checked(base + R"(,["StArTs-WiTh","$ACL","pri"])", {key, {"aCl", "private"}}) == "");
  CHECK(checked(base + R"(,["eq","$bucket","other"])", {key, {"bucket", "other"}}) != "");
  CHECK(checked(base + R"(,["eq","$key","K"])", {key}) != "");
  CHECK(checked(base + R"(,["starts-with","$Content-Type","a/"])",
                {key, {"content-type", "a/b, a/c"}}) == "");
  CHECK(checked(base + R"(,["starts-with","$Content-Type","a/"])",
                {key, {"content-type", "a/b, b/c"}}) != "");
  CHECK(checked(base + R"(,["eq","$x-amz-meta-a","\$b\u0041"])", {key, {"x-amz-meta-a", "$bA"}}) ==
        "");
  const std::int64_t end = *post::parse_expiration("2030-01-01T00:00:00Z");
  CHECK(checked(base, {key}, end - 1) == "");
  CHECK(checked(base, {key}, end) == "Invalid according to Policy: Policy expired.");
}

TEST_CASE("policy: the narrowest of several lengths counts") {
  const auto policy = parse(conditions(
      R"(["content-length-range",1,10],["content-length-range","0","5"],["content-length-range",2,99])"));
  REQUIRE(policy);
  CHECK((policy->bytes_min == 2 && policy->bytes_max == 5));
}

TEST_CASE("policy: what is none") {
  for (const std::string& bad :
       {std::string(""), std::string("[1]"), std::string("{\"conditions\":[]}"),
        std::string("{\"expiration\":1,\"conditions\":[]}"), conditions("{}"), conditions("1"),
        conditions(R"({"a":1})"), conditions(R"(["eq","a","b"])"), conditions(R"(["eq","$a",1])"),
        conditions(R"(["content-length-range",0,-1])"),
        conditions(R"(["content-length-range",2,1])"),
        conditions(R"(["content-length-range",0.5,1])"), conditions(R"(["x","$a","b"])")}) {
    CAPTURE(bad);
    const auto parsed = parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::invalid_policy_document);
  }
  CHECK_FALSE(post::parse_policy("e30"));  // no padding
}

TEST_CASE("policy: times") {
  CHECK(post::parse_expiration("1970-01-02T00:00:01.5Z") == 86'401);
  CHECK(post::parse_expiration("2007-12-01T12:00:00.000Z") == 1'196'510'400);
  for (const char* bad :
       {"", "2007-12-01", "2007-12-01T12:00:00", "2007-02-30T12:00:00Z", "2007-12-01T24:00:00Z",
        "2007-12-01T12:00:00.Z", "2007-12-01 12:00:00Z", "2007-12-01T12:00:00+01:00"}) {
    CAPTURE(bad);
    CHECK_FALSE(post::parse_expiration(bad));
  }
}
