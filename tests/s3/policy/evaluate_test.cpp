// The evaluator, as a table: who, what, on what, with what, under which statements.
#include "s3/policy/evaluate.h"

#include "tests/s3/policy/policies.h"

#include <doctest/doctest.h>

using namespace millrace::tests;
using namespace millrace::s3::policy;

namespace {

Document document_of(const std::string& statements) {
  auto parsed = parse_policy(policy_text(statements));
  if (!parsed) MESSAGE(parsed.error());
  REQUIRE(parsed);
  return std::move(*parsed);
}

struct Asked {
  std::string_view principal = "";
  std::string_view action = "s3:GetObject";
  std::optional<std::string_view> key = "a/k";
};

Verdict verdict(const std::string& statements, const Asked& asked = {},
                const Context& context = {}) {
  return evaluate(
      document_of(statements),
      {.principal = asked.principal, .action = asked.action, .bucket = "bucket", .key = asked.key},
      context);
}

// What a Condition says of a request with these.
bool holds(const std::string& condition, const Context& context,
           const std::string& action = "\"s3:*\"") {
  return verdict(statement({{"Action", action},
                            {"Resource", "\"arn:aws:s3:::bucket*\""},
                            {"Condition", condition}}),
                 {.action = "s3:ListBucket", .key = {}}, context) == Verdict::allow;
}

Context with(Key key, std::optional<std::string_view> text) {
  Context context;
  context.texts[static_cast<std::size_t>(key)] = text;
  return context;
}

Context from(std::array<std::uint8_t, 4> v4) {
  Context context;
  context.source = Address{.bytes = {}, .v4 = true};
  std::copy(v4.begin(), v4.end(), context.source->bytes.begin() + 12);
  return context;
}

}  // namespace

TEST_CASE("policies: principals, actions, resources") {
  CHECK(verdict(statement()) == Verdict::allow);
  CHECK(verdict(statement(), {.principal = "root"}) == Verdict::allow);
  const auto for_root = statement({{"Principal", R"({"AWS": "arn:aws:iam:::root"})"}});
  CHECK(verdict(for_root) == Verdict::unsaid);
  CHECK(verdict(for_root, {.principal = "root"}) == Verdict::allow);
  CHECK(verdict(statement(), {.action = "s3:PutObject"}) == Verdict::unsaid);
  CHECK(verdict(statement({{"Action", "\"S3:get*\""}})) == Verdict::allow);
  CHECK(verdict(statement({{"Action", ""}, {"NotAction", "\"s3:GetObject\""}})) == Verdict::unsaid);
  CHECK(verdict(statement({{"Action", ""}, {"NotAction", "\"s3:Put*\""}})) == Verdict::allow);
  CHECK(verdict(statement({{"Resource", "\"arn:aws:s3:::bucket/a/*\""}})) == Verdict::allow);
  CHECK(verdict(statement({{"Resource", "\"arn:aws:s3:::bucket/A/*\""}})) == Verdict::unsaid);
  CHECK(verdict(statement({{"Resource", "\"arn:aws:s3:::bucket/a\""}})) == Verdict::unsaid);
  CHECK(verdict(statement({{"Resource", ""}, {"NotResource", "\"arn:aws:s3:::bucket/b*\""}})) ==
        Verdict::allow);
  CHECK(verdict(statement({{"Resource", ""}, {"NotResource", "\"arn:aws:s3:::bucket/a*\""}})) ==
        Verdict::unsaid);
  // What ends in a slash and a star is about keys, never about the bucket.
  CHECK(verdict(statement({{"Action", "\"s3:*\""}}), {.action = "s3:ListBucket", .key = {}}) ==
        Verdict::unsaid);
  // Keys are taken as they are: nothing is normalised.
  CHECK(verdict(statement({{"Resource", "\"arn:aws:s3:::bucket/a/*\""}}), {.key = "../a/k"}) ==
        Verdict::unsaid);
  const std::string longest(1024, 'k');
  CHECK(verdict(statement(), {.key = longest}) == Verdict::allow);
}

TEST_CASE("policies: a deny wins, wherever it stands") {
  const auto allow = statement();
  const auto deny = statement({{"Effect", "\"Deny\""}});
  const auto deny_other =
      statement({{"Effect", "\"Deny\""}, {"Resource", "\"arn:aws:s3:::bucket/b/*\""}});
  CHECK(verdict(allow + "," + deny) == Verdict::deny);
  CHECK(verdict(deny + "," + allow) == Verdict::deny);
  CHECK(verdict(deny) == Verdict::deny);
  CHECK(verdict(allow + "," + deny_other) == Verdict::allow);
  CHECK(verdict(deny_other) == Verdict::unsaid);
}

TEST_CASE("policies: conditions on texts") {
  const auto a = with(Key::referer, "http://a/x");
  const auto b = with(Key::referer, "http://B/x");
  const Context none;
  CHECK(holds(R"({"StringEquals": {"aws:Referer": ["x", "http://a/x"]}})", a));
  CHECK_FALSE(holds(R"({"StringEquals": {"aws:Referer": "http://b/x"}})", b));
  CHECK(holds(R"({"StringEqualsIgnoreCase": {"aws:referer": "http://b/x"}})", b));
  CHECK(holds(R"({"StringLike": {"aws:Referer": "http://?/*"}})", a));
  CHECK_FALSE(holds(R"({"StringEquals": {"aws:Referer": "http://?/*"}})", a));
  CHECK_FALSE(holds(R"({"StringNotLike": {"aws:Referer": ["http://?/*", "x"]}})", a));
  CHECK(holds(R"({"StringNotEquals": {"aws:Referer": "x"}})", a));
  // Without the key: what must be there fails, what must not holds.
  CHECK_FALSE(holds(R"({"StringLike": {"aws:Referer": "*"}})", none));
  CHECK(holds(R"({"StringNotLike": {"aws:Referer": "*"}})", none));
  CHECK(holds(R"({"StringLikeIfExists": {"aws:Referer": "x"}})", none));
  CHECK_FALSE(holds(R"({"StringLikeIfExists": {"aws:Referer": "x"}})", a));
  CHECK(holds(R"({"Null": {"aws:Referer": "true"}})", none));
  CHECK_FALSE(holds(R"({"Null": {"aws:Referer": "true"}})", a));
  CHECK(holds(R"({"Null": {"aws:Referer": "false"}})", a));
  // All of them.
  CHECK_FALSE(holds(R"({"StringLike": {"aws:Referer": "*", "aws:UserAgent": "x"}})", a));
  CHECK_FALSE(holds(R"({"StringLike": {"aws:Referer": "*"}, "Null": {"aws:Referer": "true"}})", a));
}

TEST_CASE("policies: conditions on numbers, truths and times") {
  const auto ten = with(Key::max_keys, "10");
  CHECK(holds(R"({"NumericEquals": {"s3:max-keys": "10"}})", ten));
  CHECK_FALSE(holds(R"({"NumericNotEquals": {"s3:max-keys": 10}})", ten));
  CHECK_FALSE(holds(R"({"NumericLessThan": {"s3:max-keys": 10}})", ten));
  CHECK(holds(R"({"NumericLessThanEquals": {"s3:max-keys": 10}})", ten));
  CHECK(holds(R"({"NumericGreaterThan": {"s3:max-keys": 9}})", ten));
  CHECK_FALSE(holds(R"({"NumericGreaterThanEquals": {"s3:max-keys": 11}})", ten));
  CHECK_FALSE(holds(R"({"NumericLessThan": {"s3:max-keys": 10}})", with(Key::max_keys, "x")));
  CHECK_FALSE(holds(R"({"NumericLessThan": {"s3:max-keys": 10}})", Context{}));
  const auto secure = with(Key::secure_transport, "true");
  CHECK(holds(R"({"Bool": {"aws:SecureTransport": "true"}})", secure));
  CHECK_FALSE(holds(R"({"Bool": {"aws:SecureTransport": "false"}})", secure));
  Context at;
  at.now_seconds = 1'700'000'000;  // 2023-11-14T22:13:20Z
  CHECK(holds(R"({"DateGreaterThan": {"aws:CurrentTime": "2023-11-14T22:13:19Z"}})", at));
  CHECK_FALSE(holds(R"({"DateGreaterThan": {"aws:CurrentTime": "2023-11-14T22:13:20Z"}})", at));
  CHECK(holds(R"({"DateGreaterThanEquals": {"aws:CurrentTime": "2023-11-14"}})", at));
  CHECK(holds(R"({"NumericLessThan": {"aws:EpochTime": "1700000001"}})", at));
  CHECK(holds(R"({"DateEquals": {"aws:EpochTime": 1700000000}})", at));
}

TEST_CASE("policies: conditions on addresses") {
  const auto local = from({10, 1, 2, 3});
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "10.0.0.0/8"]}})", local));
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": "10.1.2.3"}})", local));
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": "10.1.2.2/31"}})", local));
  CHECK_FALSE(holds(R"({"IpAddress": {"aws:SourceIp": "10.1.2.4/30"}})", local));
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})", local));
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": "::ffff:10.0.0.0/104"}})", local));
  CHECK_FALSE(holds(R"({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::/0"]}})", local));
  CHECK(holds(R"({"NotIpAddress": {"aws:SourceIp": "::/0"}})", local));
  Context six;
  six.source = Address{.bytes = {0x20, 0x01, 0x0d, 0xb8}, .v4 = false};
  CHECK(holds(R"({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}})", six));
  CHECK_FALSE(holds(R"({"IpAddress": {"aws:SourceIp": "2001:db9::/32"}})", six));
  CHECK_FALSE(holds(R"({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})", six));
  CHECK_FALSE(holds(R"({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})", Context{}));
}

TEST_CASE("policies: what is public") {
  const auto is = [](const std::map<std::string, std::string>& changed) {
    return document_of(statement(changed)).is_public;
  };
  CHECK(is({}));
  CHECK_FALSE(is({{"Effect", "\"Deny\""}}));
  CHECK_FALSE(is({{"Principal", R"({"AWS": "root"})"}}));
  CHECK(is({{"Condition", R"({"StringEquals": {"aws:Referer": "x"}})"}}));
  CHECK_FALSE(is({{"Condition", R"({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})"}}));
  CHECK(is({{"Condition", R"({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/1"]}})"}}));
  CHECK(is({{"Condition", R"({"IpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}})"}}));
  CHECK(is({{"Condition", R"({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})"}}));
  CHECK_FALSE(is({{"Condition", R"({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}})"}}));
  CHECK(is({{"Condition", R"({"IpAddress": {"aws:SourceIp": "2001::/16"}})"}}));
}
