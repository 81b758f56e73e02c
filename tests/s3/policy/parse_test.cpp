// What a policy may say: everything else is refused, with the message that AWS has where it is
// known.
#include "tests/s3/policy/policies.h"

#include "s3/policy/actions.h"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::tests;

namespace {

std::string message_of(std::string_view text) {
  const auto parsed = parse_policy(text);
  return parsed ? "taken" : parsed.error();
}

std::string of(const std::map<std::string, std::string>& changed) {
  return message_of(policy_text(statement(changed)));
}

}  // namespace

TEST_CASE("policies that are taken") {
  CHECK(of({}) == "taken");
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Principal", R"({"AWS": "*"})"},
           {"Principal", R"({"AWS": ["arn:aws:iam:::root", "*"]})"},
           {"Principal", R"({"AWS": "root"})"},
           {"Effect", R"("Deny")"},
           {"Action", R"(["s3:Get*", "S3:PUTOBJECT"])"},
           {"Action", R"("*")"},
           {"Resource", R"("*")"},
           {"Resource", R"(["arn:aws:s3:::buck*"])"},
           {"Resource", R"("arn:aws:s3:::*")"},
           {"Sid", R"("a name")"},
           {"Condition", "{}"},
           {"Condition", R"({"StringLikeIfExists": {"aws:referer": ["a*", "b"]}})"},
           {"Condition", R"({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}})"},
           {"Condition", R"({"Bool": {"aws:SecureTransport": false}})"},
           {"Condition", R"({"DateLessThan": {"aws:CurrentTime": "2030-01-31T10:00:00Z"}})"},
           {"Condition", R"({"Null": {"s3:x-amz-server-side-encryption": "true"}})"}}) {
    CAPTURE(value);
    CHECK(of({{name, value}}) == "taken");
  }
  CHECK(of({{"Action", R"("s3:ListBucket")"},
            {"Resource", R"("arn:aws:s3:::bucket")"},
            {"Condition", R"({"NumericLessThan": {"s3:max-keys": 10}})"}}) == "taken");
  CHECK(of({{"Action", ""}, {"NotAction", R"("s3:PutObject")"}}) == "taken");
  CHECK(of({{"Resource", ""}, {"NotResource", R"("arn:aws:s3:::bucket/x")"}}) == "taken");
  // One statement need not be in a list, and the version may be left out.
  CHECK(message_of("{\"Statement\": " + statement() + "}") == "taken");
  CHECK(message_of("{\"Version\": \"2008-10-17\", \"Id\": \"x\", \"Statement\": " + statement() +
                   "}") == "taken");
}

TEST_CASE("policies that are refused") {
  constexpr const char* not_json = "Policies must be valid JSON and the first byte must be '{'";
  for (const char* text : {"", "x", "[]", " {}", "{", "{\"a\": 1,}", "{} {}", "{\"\xff\": 1}"}) {
    CAPTURE(text);
    CHECK(message_of(text) == not_json);
  }
  CHECK(message_of(std::string(20'000, '[')) == not_json);
  CHECK(message_of("{\"Statement\":" + std::string(19'000, '[')) == not_json);
  CHECK(message_of("{}") == "Missing required field Statement");
  CHECK(message_of(policy_text("")) == "Missing required field Statement");
  CHECK(message_of(policy_text("1")) == "Invalid policy syntax.");
  CHECK(message_of("{\"Version\": \"2020\", \"Statement\": " + statement() + "}") ==
        "The policy must contain a valid version string");
  CHECK(message_of("{\"More\": 1, \"Statement\": " + statement() + "}") == "Unknown field More");
  // Two members of one name: which one counts is nobody's guess.
  CHECK(message_of("{\"Statement\": " + statement() + ", \"Statement\": " + statement() + "}") ==
        "This policy contains invalid Json");
  const auto named = statement({{"Sid", "\"x\""}});
  CHECK(message_of(policy_text(named + "," + named)) ==
        "Statement IDs (SID) in a single policy must be unique.");
  const auto nameless = statement({{"Sid", "\"\""}});
  CHECK(message_of(policy_text(nameless + "," + nameless)) == "taken");
}

TEST_CASE("statements that are refused") {
  struct Case {
    std::map<std::string, std::string> changed;
    const char* message;
  };
  constexpr const char* principal = "Invalid principal in policy";
  constexpr const char* resource = "Policy has invalid resource";
  constexpr const char* action = "Policy has invalid action";
  constexpr const char* applies = "Action does not apply to any resource(s) in statement";
  const Case cases[] = {
      {{{"Effect", ""}}, "Missing required field Effect"},
      {{{"Principal", ""}}, "Missing required field Principal"},
      {{{"Action", ""}}, "Missing required field Action"},
      {{{"Resource", ""}}, "Missing required field Resource"},
      {{{"Effect", "\"allow\""}}, "Invalid effect: allow"},
      {{{"Effect", "1"}}, "Invalid effect"},
      {{{"Extra", "1"}}, "Unknown field Extra"},
      {{{"NotPrincipal", "\"*\""}}, "Unknown field NotPrincipal"},
      {{{"NotAction", "\"s3:*\""}}, "Statement has both Action and NotAction"},
      {{{"NotResource", "\"*\""}}, "Statement has both Resource and NotResource"},
      {{{"Principal", "\"root\""}}, principal},
      {{{"Principal", "{}"}}, principal},
      {{{"Principal", R"({"Service": "x"})"}}, principal},
      {{{"Principal", R"({"AWS": []})"}}, principal},
      {{{"Principal", R"({"AWS": "nobody"})"}}, principal},
      {{{"Principal", R"({"AWS": "*", "Service": "x"})"}}, principal},
      {{{"Action", "\"s3:NoSuch\""}}, action},
      {{{"Action", "\"GetObject\""}}, action},
      {{{"Action", "[]"}}, action},
      {{{"Action", "[1]"}}, action},
      {{{"Action", "\"s3:ListAllMyBuckets\""}}, action},
      {{{"Resource", "\"bucket/*\""}}, resource},
      {{{"Resource", "\"arn:aws:s3:::other/*\""}}, resource},
      {{{"Resource", "\"arn:aws:s3:::bucket2/*\""}}, resource},
      {{{"Resource", "\"arn:aws:s3:::bucket/${aws:username}\""}},
       "Policy variables are not supported"},
      {{{"Resource", "\"arn:aws:s3:::bucket\""}}, applies},
      {{{"Action", R"(["s3:GetObject", "s3:ListBucket"])"}}, applies},
      {{{"Condition", "1"}}, "Invalid Condition in policy"},
      {{{"Condition", R"({"Bool": {}})"}}, "Invalid Condition in policy"},
      {{{"Condition", R"({"StringEqual": {"aws:Referer": "x"}})"}},
       "Invalid Condition type : StringEqual"},
      {{{"Condition", R"({"ForAnyValue:StringEquals": {"aws:Referer": "x"}})"}},
       "Invalid Condition type : ForAnyValue:StringEquals"},
      {{{"Condition", R"({"NullIfExists": {"aws:Referer": "true"}})"}},
       "Invalid Condition type : NullIfExists"},
      {{{"Condition", R"({"StringEquals": {"aws:PrincipalTag/x": "x"}})"}},
       "Policy has an invalid condition key"},
      {{{"Condition", R"({"StringEquals": {"aws:Referer": []}})"}}, "Missing value of a condition"},
      {{{"Condition", R"({"StringEquals": {"aws:Referer": {}}})"}}, "Invalid value in Condition"},
      {{{"Condition", R"({"StringEquals": {"aws:Referer": "${aws:userid}"}})"}},
       "Invalid value in Condition"},
      {{{"Condition", R"({"StringEquals": {"aws:SourceIp": "10.0.0.1"}})"}},
       "Condition operator StringEquals does not apply to the condition key aws:SourceIp"},
      {{{"Condition", R"({"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}})"}},
       "Invalid value in Condition : 10.0.0.0/33"},
      {{{"Condition", R"({"IpAddress": {"aws:SourceIp": "10.0.0"}})"}},
       "Invalid value in Condition : 10.0.0"},
      {{{"Condition", R"({"Bool": {"aws:SecureTransport": "yes"}})"}},
       "Invalid value in Condition : yes"},
      {{{"Condition", R"({"DateEquals": {"aws:CurrentTime": "2023-02-30"}})"}},
       "Invalid value in Condition : 2023-02-30"},
      {{{"Condition", R"({"StringEquals": {"s3:prefix": "x"}})"}},
       "Conditions do not apply to combination of actions and resources in statement"},
  };
  for (const Case& each : cases) {
    CAPTURE(statement(each.changed));
    CHECK(of(each.changed) == each.message);
  }
}

TEST_CASE("actions are those of the table of operations") {
  const auto both = [](std::string_view pattern) {
    const auto kinds = s3::policy::kinds_of(pattern);
    return std::pair(kinds.on_bucket, kinds.on_object);
  };
  CHECK(both("s3:GetObject") == std::pair(false, true));
  CHECK(both("s3:listbucket") == std::pair(true, false));
  CHECK(both("s3:*") == std::pair(true, true));
  CHECK(both("s3:DeleteObject") == std::pair(false, true));
  CHECK(both("s3:GetObjectVersion") == std::pair(false, true));
  CHECK(both("s3express:*") == std::pair(false, false));
}
