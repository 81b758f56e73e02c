// The gate: signatures made elsewhere (AWS's published examples, botocore), what Identity
// carries, and that any change to a signed request is noticed.
#include "s3/auth/sigv4.h"

#include "tests/s3/auth/requests.h"

#include <doctest/doctest.h>

namespace millrace::s3 {
namespace {

using testing::empty_sha256;
using testing::example_time;
using testing::Gate;

std::string authorization(std::string_view names, std::string_view signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
         "SignedHeaders=" +
         std::string(names) + ",Signature=" + std::string(signature);
}

ClientRequest example(std::string method, std::string target, std::vector<HeaderLine> more,
                      std::string_view sha256, std::string_view names, std::string_view signature) {
  ClientRequest request{std::move(method), std::move(target), std::move(more)};
  request.headers.push_back({"Host", "examplebucket.s3.amazonaws.com"});
  request.headers.push_back({"x-amz-date", "20130524T000000Z"});
  request.headers.push_back({"x-amz-content-sha256", std::string(sha256)});
  request.headers.push_back({"Authorization", authorization(names, signature)});
  return request;
}

// "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".
std::vector<ClientRequest> aws_header_examples() {
  return {
      example("GET", "/test.txt", {{"Range", "bytes=0-9"}}, empty_sha256,
              "host;range;x-amz-content-sha256;x-amz-date",
              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
      example("PUT", "/test$file.text",
              {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
               {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
              "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
              "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
      example("GET", "/?lifecycle", {}, empty_sha256, "host;x-amz-content-sha256;x-amz-date",
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
      example("GET", "/?max-keys=2&prefix=J", {}, empty_sha256,
              "host;x-amz-content-sha256;x-amz-date",
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
  };
}

// "Using Query Parameters".
ClientRequest aws_presigned_example() {
  return {"GET",
          "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"
          "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
          "86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
          "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
          {{"Host", "examplebucket.s3.amazonaws.com"}}};
}

TEST_CASE("sigv4: AWS's header examples") {
  Gate gate;
  for (const ClientRequest& request : aws_header_examples()) {
    const auto identity = gate(request);
    REQUIRE_MESSAGE(identity.has_value(), request.target);
    CHECK(identity->principal->name == "example");
    CHECK(identity->payload == PayloadMode::hex);
    CHECK_FALSE(identity->presigned);
    CHECK(identity->timestamp.view() == "20130524T000000Z");
    CHECK(identity->scope.view() == "20130524/us-east-1/s3/aws4_request");
  }
  CHECK(gate.keys.hits() == 3);
  const auto put = gate(aws_header_examples()[1]);
  CHECK(testing::hex(put->payload_sha256) ==
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  CHECK(testing::hex(put->seed_signature) ==
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_CASE("sigv4: AWS's presigned example") {
  Gate gate;
  const auto identity = gate(aws_presigned_example());
  REQUIRE(identity.has_value());
  CHECK(identity->principal->name == "example");
  CHECK(identity->presigned);
  CHECK(identity->payload == PayloadMode::unsigned_payload);
}

// Made with botocore 1.43 at the example's moment: encodings, sorting by name before value,
// parameters without a value, runs of spaces in a header, a session token in header and query.
TEST_CASE("sigv4: botocore's signatures") {
  Gate gate;
  const auto from = [](std::string method, std::string target, std::vector<HeaderLine> headers) {
    headers.push_back({"Host", "localhost:9000"});
    return ClientRequest{std::move(method), std::move(target), std::move(headers)};
  };
  const auto with_header = [&](std::string method, std::string target, std::string_view signature) {
    return from(
        std::move(method), std::move(target),
        {{"X-Amz-Date", "20130524T000000Z"},
         {"X-Amz-Content-SHA256", std::string(empty_sha256)},
         {"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", signature)}});
  };
  CHECK(gate(with_header("GET", "/bucket/a%20b%2Bc//d/../e%C3%A9~%28x%29",
                         "45a31d0f8431961a68378cfe00395ed4a93c7e56e5d303730a360db9227ae3c6"))
            .has_value());
  CHECK(gate(with_header("GET",
                         "/bucket?list-type=2&prefix=a%2Bb%20c%2F&delimiter=%2F&"
                         "encoding-type=url&a-b=1&a=2&uploads",
                         "72cb87b775af9070e50dec8958dfd290082caa429a7eb3b373157c909a103de5"))
            .has_value());
  CHECK(gate(from("PUT",
                  "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
                  "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date="
                  "20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host%3Bx-amz-meta-a&"
                  "X-Amz-Signature="
                  "dd85c07af27cb5ff910987c0c548bb7f97ad0702a9c11885ee79e3ef6e20b7b4",
                  {{"x-amz-meta-a", "1"}}))
            .has_value());

  std::vector<Principal> principals(1);
  principals[0].access_key = std::string(testing::example_key);
  principals[0].secret_key = std::string(testing::example_secret);
  principals[0].session_token = "tok/en+1==";
  gate.table = CredentialTable(std::move(principals));
  CHECK(gate(from("PUT", "/bucket/key",
                  {{"x-amz-meta-Note", "two   spaces  here "},
                   {"Content-Type", "text/plain"},
                   {"X-Amz-Date", "20130524T000000Z"},
                   {"X-Amz-Security-Token", "tok/en+1=="},
                   {"X-Amz-Content-SHA256",
                    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
                   {"Authorization",
                    authorization("content-type;host;x-amz-content-sha256;x-amz-date;"
                                  "x-amz-meta-note;x-amz-security-token",
                                  "a68a1744d50ef1ff399f616ff382e52c1b3e97be56303fcfe942da276e1c"
                                  "7099")}}))
            .has_value());
  CHECK(gate(from("GET",
                  "/bucket/k%20ey?response-content-type=text%2Fplain&versionId=null&"
                  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"
                  "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
                  "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Security-Token="
                  "tok%2Fen%2B1%3D%3D&X-Amz-Signature="
                  "4bd2b03cca28571c2f798f2b99ba7172e64b591412c0fd890cb653b04a36c272",
                  {}))
            .has_value());
}

TEST_CASE("sigv4: nothing of a signed request can change") {
  Gate gate;
  for (const ClientRequest& request : aws_header_examples()) {
    ClientRequest changed = request;
    changed.method = "DELETE";
    CHECK(gate(changed).error().failure == AuthFailure::signature_mismatch);
    for (std::size_t i = 0; i < request.target.size(); ++i) {
      changed = request;
      changed.target[i] ^= 1;
      CHECK_FALSE(gate(changed).has_value());
    }
    for (std::size_t h = 0; h < request.headers.size(); ++h) {
      for (std::size_t i = 0; i < request.headers[h].value.size(); ++i) {
        changed = request;
        changed.headers[h].value[i] ^= 1;
        CHECK_MESSAGE(!gate(changed).has_value(), changed.headers[h].value);
      }
    }
  }
}

TEST_CASE("sigv4: nothing of a presigned URL can change") {
  Gate gate;
  const ClientRequest request = aws_presigned_example();
  for (std::size_t i = 0; i < request.target.size(); ++i) {
    ClientRequest changed = request;
    changed.target[i] ^= 1;
    const auto identity = gate(changed);
    CHECK_MESSAGE((!identity.has_value() || identity->anonymous()), changed.target);
  }
  for (std::string_view more : {"&versionId=1", "&x", "&X-Amz-Signature=00", "&%00"}) {
    ClientRequest changed = request;
    changed.target += more;
    CHECK_FALSE(gate(changed).has_value());
  }
  ClientRequest changed = request;
  changed.headers[0].value = "other.s3.amazonaws.com";
  CHECK(gate(changed).error().failure == AuthFailure::signature_mismatch);
}

TEST_CASE("sigv4: anonymous only without authentication material") {
  Gate gate;
  ClientRequest request{"GET", "/bucket/key?list-type=2&Expires=1", {{"Host", "h"}}};
  auto identity = gate(request);
  REQUIRE(identity.has_value());
  CHECK(identity->anonymous());
  CHECK(identity->payload == PayloadMode::unsigned_payload);
  request.headers.push_back({"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"});
  identity = gate(request);
  REQUIRE(identity.has_value());
  CHECK(identity->payload == PayloadMode::streaming_unsigned_trailer);
  // Nobody's key can't have signed chunks.
  request.headers.back().value = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  CHECK(gate(request).error().failure == AuthFailure::content_sha256_invalid);
  request.headers.back().value = "x";
  CHECK(gate(request).error().failure == AuthFailure::content_sha256_invalid);

  for (std::string_view material :
       {"X-Amz-Algorithm=", "X-Amz-Credential=x", "X-Amz-Expires=1", "X-Amz-SignedHeaders=host",
        "X-Amz-Signature=0", "x-amz-signature=0", "X%2dAmz-Signature=0", "AWSAccessKeyId=x",
        "Signature=x"}) {
    const ClientRequest with{"GET", "/b/k?a=1&" + std::string(material), {{"Host", "h"}}};
    CHECK_MESSAGE(!gate(with).has_value(), material);
  }
  CHECK_FALSE(gate({"GET", "/b/k", {{"Host", "h"}, {"Authorization", ""}}}).has_value());
}

TEST_CASE("sigv4: payload modes") {
  Gate gate;
  const std::pair<std::string_view, PayloadMode> modes[] = {
      {"UNSIGNED-PAYLOAD", PayloadMode::unsigned_payload},
      {empty_sha256, PayloadMode::hex},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PayloadMode::streaming_signed},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PayloadMode::streaming_signed_trailer},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadMode::streaming_unsigned_trailer}};
  for (const auto& [text, mode] : modes) {
    ClientRequest request{"PUT", "/b/k", {{"Host", "h"}}};
    sign_request(request, testing::example_identity(), example_time, text);
    const auto identity = gate(request);
    REQUIRE_MESSAGE(identity.has_value(), text);
    CHECK(identity->payload == mode);
  }
}

TEST_CASE("sigv4: a presigned request's payload hash counts where it is given") {
  Gate gate;
  ClientRequest request{"PUT", "/b/k", {{"Host", "h"}}};
  request.target += "?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
  request.target = presign(request, testing::example_identity(), example_time, 60);
  CHECK(gate(request).has_value());
  // Signed as UNSIGNED-PAYLOAD, so another value breaks the signature, header or not.
  request.headers.push_back({"x-amz-content-sha256", std::string(empty_sha256)});
  CHECK(gate(request).error().failure == AuthFailure::content_sha256_invalid);
  ClientRequest plain{"PUT", "/b/k", {{"Host", "h"}}};
  plain.target = presign(plain, testing::example_identity(), example_time, 60);
  plain.headers.push_back({"x-amz-content-sha256", std::string(empty_sha256)});
  CHECK(gate(plain).error().failure == AuthFailure::signature_mismatch);
  plain.headers.back().value = "UNSIGNED-PAYLOAD";
  CHECK(gate(plain).has_value());
  plain.headers.back().value = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  CHECK(gate(plain).error().failure == AuthFailure::content_sha256_invalid);
}

// The signature was made with Python's hmac module.
TEST_CASE("sigv4: Date stands in for a missing X-Amz-Date, and only for that") {
  Gate gate;
  ClientRequest request{
      "GET",
      "/b",
      {{"Host", "h"},
       {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
       {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"},
       {"Authorization",
        authorization("date;host;x-amz-content-sha256",
                      "86cdbabda49004678eb59e9490f5148821b93da5e94870ab66eea1f068b70b1b")}}};
  CHECK(gate(request).has_value());
  request.headers[1].value = "Fri, 24 May 2013 00:00:01 GMT";
  CHECK(gate(request).error().failure == AuthFailure::signature_mismatch);
  request.headers[1].value = "Fri, 24 May 2013 00:20:00 GMT";
  CHECK(gate(request).error().failure == AuthFailure::clock_skew);
  request.headers[1].value = "yesterday";
  CHECK(gate(request).error().failure == AuthFailure::date_missing);
  request.headers.erase(request.headers.begin() + 1);
  CHECK(gate(request).error().failure == AuthFailure::date_missing);
}

TEST_CASE("sigv4: access keys with slashes, session tokens") {
  Gate gate;
  SigningIdentity who{"TEMPORARY/KEY", std::string(testing::example_secret), "us-east-1",
                      "tok/en+1=="};
  ClientRequest request{"GET", "/b", {{"Host", "h"}}};
  const std::string url = presign(request, who, example_time, 60);
  sign_request(request, who, example_time, "UNSIGNED-PAYLOAD");
  CHECK(gate(request).value().principal->access_key == "TEMPORARY/KEY");
  CHECK(gate({"GET", url, {{"Host", "h"}}}).has_value());

  for (std::string_view token : {"", "tok/en+1=", "another"}) {
    who.session_token = std::string(token);
    ClientRequest wrong{"GET", "/b", {{"Host", "h"}}};
    wrong.target = presign(wrong, who, example_time, 60);
    CHECK(gate(wrong).error().failure == AuthFailure::token);
    wrong.target = "/b";
    sign_request(wrong, who, example_time, "UNSIGNED-PAYLOAD");
    CHECK(gate(wrong).error().failure == AuthFailure::token);
  }
  // A permanent key takes no token.
  who = testing::example_identity();
  who.session_token = "x";
  ClientRequest extra{"GET", "/b", {{"Host", "h"}}};
  sign_request(extra, who, example_time, "UNSIGNED-PAYLOAD");
  CHECK(gate(extra).error().failure == AuthFailure::token);
}

}  // namespace
}  // namespace millrace::s3
