// Fuzzes bucket policies. Properties: no crash; a policy that allows nothing never lets anybody in,
// one that denies everything neither; whether it is public is told once.
#include "s3/policy/evaluate.h"
#include "s3/policy/parse.h"
#include "tests/fuzz/targets.h"

#include <algorithm>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3::policy;

Context full_context() {
  Context context;
  for (auto& text : context.texts) text = "7";
  context.source = Address{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3}, .v4 = true};
  context.now_seconds = 1'700'000'000;
  return context;
}

void ask(const Document& document, const Question& question) {
  for (const Context& context : {Context{}, full_context()}) {
    const Verdict verdict = evaluate(document, question, context);
    const auto has = [&](Effect effect) {
      return std::ranges::any_of(document.statements,
                                 [&](const Statement& one) { return one.effect == effect; });
    };
    require(verdict != Verdict::allow || has(Effect::allow), "allowed by a statement");
    require(verdict != Verdict::deny || has(Effect::deny), "denied by a statement");
    Document closed = document;
    closed.statements.push_back({.effect = Effect::deny,
                                 .anyone = true,
                                 .principals = {},
                                 .actions = {"*"},
                                 .resources = {"*"},
                                 .conditions = {}});
    require(evaluate(closed, question, context) == Verdict::deny, "a denial wins");
  }
}

void run(std::string_view input) {
  const auto parsed = parse(input, "bucket", "root");
  if (!parsed) {
    require(!parsed.error().empty(), "a refusal says why");
    return;
  }
  require(parsed->is_public == is_public(*parsed), "public is public");
  for (const std::string_view principal : {"", "root"}) {
    ask(*parsed,
        {.principal = principal, .action = "s3:GetObject", .bucket = "bucket", .key = "a/k"});
    ask(*parsed,
        {.principal = principal, .action = "s3:ListBucket", .bucket = "bucket", .key = {}});
  }
}

constexpr std::string_view seeds[] = {
    R"({"Version":"2012-10-17","Statement":[{"Sid":"1","Effect":"Allow","Principal":"*",)"
    R"("Action":["s3:Get*"],"Resource":"arn:aws:s3:::bucket/*","Condition":{"IpAddress":)"
    R"({"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},"StringLikeIfExists":{"aws:Referer":"a*"}}}]})",
    R"({"Statement":{"Effect":"Deny","Principal":{"AWS":["root","*"]},"NotAction":"s3:GetObject",)"
    R"("NotResource":["arn:aws:s3:::bucket/x?*"],"Condition":{"Bool":{"aws:SecureTransport":"false"},)"
    R"("DateLessThan":{"aws:CurrentTime":"2030-01-31T10:00:00Z"},"Null":{"s3:x-amz-acl":true}}}})",
    R"({"Version":"2008-10-17","Id":"p","Statement":[{"Effect":"Allow","Principal":{"AWS":)"
    R"("arn:aws:iam:::root"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket",)"
    R"("Condition":{"NumericLessThanEquals":{"s3:max-keys":10},"StringNotEquals":{"s3:prefix":"p"}}}]})"};

}  // namespace

const Target policy{.name = "policy", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
