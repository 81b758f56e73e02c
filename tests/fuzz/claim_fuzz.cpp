// Fuzzes what says who sent a request: the first line is the target, the others are header fields.
// Properties: no crash; a claim's views lie within the head or the scratch; anonymous is only who
// sent nothing of it; nobody gets in, for no seed has the signature.
#include "s3/address.h"
#include "s3/auth/claim.h"
#include "s3/auth/sigv4.h"
#include "tests/fuzz/targets.h"
#include "tests/s3/auth/requests.h"

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

// As the HTTP layer would make it, which refuses more.
http::Head head_of(std::string_view input) {
  http::Head head;
  head.method_text = "PUT";
  head.method = http::Method::put;
  head.target = take_line(input);
  const std::size_t mark = head.target.find('?');
  head.path = head.target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = head.target.substr(mark + 1);
  while (!input.empty() && head.field_count < head.field_slots.size()) {
    const std::string_view line = take_line(input);
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) continue;
    head.field_slots[head.field_count++] = {line.substr(0, colon), line.substr(colon + 1)};
  }
  head.host = head.value("host");
  return head;
}

void check_claim(const Claim& claim, const http::Head& head, std::string_view input,
                 const ClaimScratch& scratch) {
  const std::string_view room(scratch.data(), scratch.size());
  for (const std::string_view view :
       {claim.access_key, claim.scope_date, claim.scope_region, claim.scope_service,
        claim.scope_terminator, claim.signed_headers, claim.signature, claim.payload,
        claim.token_raw}) {
    require(within(view, input) || within(view, room), "views into the head or the scratch");
  }
  if (claim.mechanism == Mechanism::anonymous) {
    require(head.find("authorization") == nullptr, "anonymous without Authorization");
    require(!QueryParameters(head.query).find("X-Amz-Signature"), "nor a signature");
  } else {
    require(!claim.access_key.empty(), "somebody");
  }
  if (claim.mechanism == Mechanism::presigned) {
    require(claim.expires_s >= 1 && claim.expires_s <= 604'800, "at most seven days");
  }
}

void run(std::string_view input) {
  const http::Head head = head_of(input);
  const QueryParameters query(head.query);
  ClaimScratch scratch;
  if (const auto claim = parse_claim(head, query, scratch)) {
    check_claim(*claim, head, input, scratch);
  }
  static const CredentialTable table = s3::testing::example_table();
  SigningKeyCache keys;
  const Policy policy{.region = "us-east-1", .now_unix_seconds = s3::testing::example_time};
  const auto identity = authenticate(head, query, table.source(), policy, keys);
  require(!identity || identity->anonymous(), "nobody without the signature");
  BucketBuffer buffer;
  const std::string_view domains[] = {"s3.example"};
  if (const auto address = resolve_address(head, domains, buffer)) {
    require((address->scope == Scope::object) == !address->raw_key.empty(), "objects have keys");
    require((address->scope == Scope::service) == address->bucket.empty(), "buckets have names");
  }
}

constexpr std::string_view seeds[] = {
    "/bucket/key?a=1\nHost:b.s3.example\nx-amz-date:20130524T000000Z\nx-amz-content-sha256:"
    "UNSIGNED-PAYLOAD\nAuthorization:AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/"
    "us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
    "0123456789012345678901234567890123456789012345678901234567890123\n",
    "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
    "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
    "X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d400&x%2Damz-acl=a+b\nHost:h\n",
    "/b/k?X-Amz-Security-Token=t%2Fok\nHost:[::1]:9000\nDate:Fri, 24 May 2013 00:00:00 GMT\n"
    "Authorization:AWS4-HMAC-SHA256 Signature=1, Credential=TEMPORARY/KEY/20130524/us-east-1/s3/"
    "aws4_request,SignedHeaders=date;host\nx-amz-security-token:tok/en+1==\n",
    "/?AWSAccessKeyId=a&Signature=b&Expires=1\nhost:s3.example\n", "/b%2Fc/d\nHost: h\n"};

}  // namespace

const Target claim{.name = "claim", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
