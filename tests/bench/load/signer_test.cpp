// Signatures of the load generator against those of s3/auth/sign.h, which is tested by AWS's
// examples.
#include "bench/load/signer.h"
#include "bench/load/request_text.h"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::bench;

namespace {

constexpr std::int64_t noon = 1'369'353'600;  // 2013-05-24, midnight UTC

std::string authorization(std::string_view head) {
  const std::size_t at = head.find("Authorization: ");
  return std::string(head.substr(at, head.find('\r', at) - at));
}

std::string expected(const s3::SigningIdentity& who, const RequestParts& parts,
                     std::string_view host, std::int64_t when) {
  s3::ClientRequest request{std::string(parts.method),
                            parts.query.empty() ? parts.path : parts.path + "?" + parts.query,
                            {{"Host", std::string(host)}}};
  s3::sign_request(request, who, when, parts.payload);
  return "Authorization: " + request.headers.back().value;
}

}  // namespace

TEST_CASE("signer: the same signatures as s3/auth, over days") {
  Settings settings;
  settings.identity = {"AKIDEXAMPLE", "secret", "eu-central-1", ""};
  settings.endpoints = parse_endpoints("http://a.example:9000").value();
  settings.prefix = "a b+c/\xc3\xa9/";
  settings.mix = parse_mix("get=1,list=1").value();
  Signer signer(settings.identity);
  for (const std::int64_t when : {noon, noon + 1, noon + 86'400, noon}) {
    for (const Operation operation :
         {Operation::get, Operation::put, Operation::remove, Operation::list}) {
      const RequestParts parts =
          parts_of(settings, {.operation = operation, .object = 12, .bytes = 4096});
      std::string head;
      write_head(head, settings, Auth::header, settings.endpoints[0], parts, signer, when);
      CHECK(authorization(head) == expected(settings.identity, parts, "a.example:9000", when));
    }
  }
}

TEST_CASE("prepared heads: each request of the plan, for each endpoint") {
  Settings settings;
  settings.identity = {"AKIDEXAMPLE", "secret", "us-east-1", ""};
  settings.endpoints = parse_endpoints("http://a:1,http://b:2").value();
  settings.mix = parse_mix("get=1,range=1,list=1").value();
  settings.objects = 300;
  settings.auth = Auth::presigned;
  const auto heads = PreparedHeads::make(settings, noon).value();
  const auto get = heads.find(1, {.operation = Operation::get, .object = 299});
  CHECK(get.starts_with("GET /bench/load/11/object-00299?X-Amz-"));
  CHECK(get.find("\r\nHost: b:2\r\n\r\n") != get.npos);
  const auto range = heads.find(0, {.operation = Operation::range, .object = 0});
  CHECK(range.ends_with("\r\nHost: a:1\r\n"));
  const auto list = heads.find(0, {.operation = Operation::list, .object = 257});
  CHECK(list.starts_with("GET /bench?list-type=2&max-keys=1000&prefix=load%2F&start-after="));
  CHECK(list == heads.find(0, {.operation = Operation::list, .object = 1}));
  CHECK(heads.find(0, {.operation = Operation::put, .object = 0}).empty());
  CHECK(heads.find(0, {.operation = Operation::get, .object = fresh_number(0, 1)}).empty());
  settings.auth = Auth::header;
  CHECK(PreparedHeads::make(settings, noon)->find(0, {}).empty());
  settings.auth = Auth::none;
  settings.objects = 100'000'000;
  CHECK_FALSE(PreparedHeads::make(settings, noon));
}
