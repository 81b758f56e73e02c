// Every way a request can fail to authenticate, and the S3 answer to it.
#include "s3/auth/failure.h"

#include "s3/auth/canonical.h"
#include "tests/s3/auth/requests.h"

#include <doctest/doctest.h>

#include <set>

namespace millrace::s3 {
namespace {

using testing::example_time;
using testing::Gate;
using enum AuthFailure;

ClientRequest signed_get() {
  ClientRequest request{"GET", "/bucket/key?a=1", {{"Host", "h"}, {"x-amz-meta-a", "1"}}};
  sign_request(request, testing::example_identity(), example_time, "UNSIGNED-PAYLOAD");
  return request;
}

ClientRequest presigned_get() {
  ClientRequest request{"GET", "/bucket/key?a=1", {{"Host", "h"}}};
  request.target = presign(request, testing::example_identity(), example_time, 600);
  return request;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != text.npos, from);
  text.replace(at, from.size(), to);
}

std::string& header(ClientRequest& request, std::string_view name) {
  for (HeaderLine& line : request.headers)
    if (line.name == name) return line.value;
  FAIL("no such header");
  return request.headers[0].value;
}

struct Edit {
  std::string_view from;
  std::string_view to;
  AuthFailure failure;
};

TEST_CASE("auth failure: the Authorization header") {
  Gate gate;
  REQUIRE(gate(signed_get()).has_value());
  const Edit edits[] = {
      {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", unsupported_authorization_type},
      {"AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256", unsupported_authorization_type},
      {"AWS4-HMAC-SHA256", "Basic", unsupported_authorization_type},
      {"AWS4-HMAC-SHA256", "Bearer", unsupported_authorization_type},
      {"AWS4-HMAC-SHA256 ", "AWS AKIAIOSFODNN7EXAMPLE:c2ln", unsupported_mechanism},
      {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", unsupported_mechanism},
      {"Credential=", "credential=", header_malformed},
      {"Credential=", "", header_malformed},
      {",SignedHeaders=", ",SignedHeaders", header_malformed},
      {"SignedHeaders=", "Signature=x,SignedHeaders=", header_malformed},
      {"SignedHeaders=", "Extra=x,SignedHeaders=", header_malformed},
      {"SignedHeaders=host;", "SignedHeaders=,X=host;", header_malformed},
      {"/s3/aws4_request", "/aws4_request", header_credential},
      {"AKIAIOSFODNN7EXAMPLE/", "/", header_credential},
      {"/20130524/", "/20130523/", header_scope_date},
      {"/20130524/", "/2013052/", header_scope_date},
      {"/us-east-1/", "/eu-west-1/", header_scope_region},
      {"/us-east-1/", "//", header_scope_region},
      {"/s3/", "/sts/", header_scope_service},
      {"aws4_request", "aws4_reques", header_scope_terminator},
      {"SignedHeaders=host", "SignedHeaders=Host", header_signed_headers},
      {"SignedHeaders=host;", "SignedHeaders=", header_signed_headers},
      {"SignedHeaders=host;", "SignedHeaders=host;host;", header_signed_headers},
      {"SignedHeaders=host;", "SignedHeaders=host;;", header_signed_headers},
      {"x-amz-meta-a,", "x-amz-meta-a;,", header_signed_headers},
      {"x-amz-date;x-amz-meta-a,", "x-amz-date,", headers_not_signed},
      {"x-amz-meta-a,", "x-amz-meta-a;x-amz-none,", signature_mismatch},
      {"AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPL", unknown_access_key},
      {"AKIAIOSFODNN7EXAMPLE", "other", signature_mismatch},
      {"Signature=", "Signature=00", signature_mismatch},
      {"Signature=", "Signature=zz", signature_mismatch},
  };
  for (const Edit& edit : edits) {
    ClientRequest request = signed_get();
    std::string& text = header(request, "Authorization");
    replace(text, edit.from, edit.to);
    const auto identity = gate(request);
    REQUIRE_MESSAGE(!identity.has_value(), edit.to);
    CHECK_MESSAGE(identity.error().failure == edit.failure, text);
  }
}

TEST_CASE("auth failure: the presigned query") {
  Gate gate;
  REQUIRE(gate(presigned_get()).has_value());
  const Edit edits[] = {
      {"X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", query_parameters},
      {"&X-Amz-Date=20130524T000000Z", "", query_parameters},
      {"&X-Amz-Expires=600", "", query_parameters},
      {"&X-Amz-SignedHeaders=host", "", query_parameters},
      {"&X-Amz-Signature=", "&Other=", query_parameters},
      {"&X-Amz-Credential=", "&Other=", query_parameters},
      {"&X-Amz-Expires=600", "&X-Amz-Expires=600&X-Amz-Expires=600", query_parameters},
      {"&X-Amz-Expires=600", "&X-Amz-Expires=600&x-amz-%65xpires=9", query_parameters},
      {"SHA256&", "SHA1&", query_algorithm},
      {"20130524T000000Z", "20130524T000000", query_date},
      {"20130524T000000Z", "20130524T006000Z", query_date},
      {"20130524T000000Z", "20130524T000000Z0", query_date},
      {"%2Fs3%2F", "%2F", query_credential},
      {"%2F20130524%2F", "%2F20130525%2F", query_scope_date},
      {"us-east-1", "us-east-2", query_scope_region},
      {"%2Fs3%2F", "%2Fs4%2F", query_scope_service},
      {"aws4_request", "aws4", query_scope_terminator},
      {"SignedHeaders=host", "SignedHeaders=", query_signed_headers},
      {"SignedHeaders=host", "SignedHeaders=x-a", query_signed_headers},
      {"SignedHeaders=host", "SignedHeaders=host%3B", query_signed_headers},
      {"Expires=600", "Expires=", expires_not_a_number},
      {"Expires=600", "Expires=6e2", expires_not_a_number},
      {"Expires=600", "Expires=600.", expires_not_a_number},
      {"Expires=600", "Expires=+600", expires_not_a_number},
      {"Expires=600", "Expires=999999999999999999999", expires_not_a_number},
      {"Expires=600", "Expires=-600", expires_too_small},
      {"Expires=600", "Expires=0", expires_too_small},
      {"Expires=600", "Expires=604801", expires_too_large},
      {"Expires=600", "Expires=18446744073709551617", expires_too_large},
      {"Expires=600", "Expires=601", signature_mismatch},
      {"AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPL", unknown_access_key},
      {"X-Amz-Signature=", "X-Amz-Signature=00", signature_mismatch},
      {"?a=1", "?a=2", signature_mismatch},
      {"?a=1", "?a=%1", uri},
      {"/key", "/%kkey", uri},
      {"?a=1", "?X-Amz-Content-Sha256=x", content_sha256_invalid},
      {"?a=1", "?AWSAccessKeyId=x", several_mechanisms},
  };
  for (const Edit& edit : edits) {
    ClientRequest request = presigned_get();
    replace(request.target, edit.from, edit.to);
    const auto identity = gate(request);
    REQUIRE_MESSAGE(!identity.has_value(), edit.to);
    CHECK_MESSAGE(identity.error().failure == edit.failure, request.target);
  }
}

TEST_CASE("auth failure: headers and mechanisms") {
  Gate gate;
  enum class Do { add, set, drop, target };
  struct Case {
    AuthFailure failure;
    Do what;
    std::string name;
    std::string value;
  };
  std::string many = "/b/k?q";
  for (std::size_t i = 0; i < query_parameters_max; ++i) many += "&p";
  const Case cases[] = {
      {duplicated_header, Do::add, "host", "h"},
      {duplicated_header, Do::add, "X-Amz-Date", "20130524T000000Z"},
      {duplicated_header, Do::add, "X-AMZ-CONTENT-SHA256", "UNSIGNED-PAYLOAD"},
      {duplicated_header, Do::add, "authorization", "x"},
      {headers_not_signed, Do::add, "X-Amz-Acl", "public-read"},
      {signature_mismatch, Do::add, "X-Amz-Meta-A", "2"},
      {signature_mismatch, Do::set, "x-amz-meta-a", "2"},
      {signature_mismatch, Do::set, "Host", "g"},
      {signature_mismatch, Do::drop, "Host", ""},
      {signature_mismatch, Do::drop, "x-amz-meta-a", ""},
      {content_sha256_missing, Do::drop, "x-amz-content-sha256", ""},
      {content_sha256_invalid, Do::set, "x-amz-content-sha256", "abc"},
      {payload_mode_unsupported, Do::set, "x-amz-content-sha256",
       "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"},
      {date_missing, Do::drop, "x-amz-date", ""},
      {date_missing, Do::set, "x-amz-date", "Fri, 24 May 2013 00:00:00 GMT"},
      {date_missing, Do::set, "x-amz-date", "20130532T000000Z"},
      {several_mechanisms, Do::target, presigned_get().target, ""},
      {several_mechanisms, Do::target, "/bucket/key?a=1&X-Amz-Credential=x", ""},
      {several_mechanisms, Do::target, "/bucket/key?a=1&Signature=x", ""},
      {uri, Do::target, "/b/k%2", ""},
      {uri, Do::target, many, ""},
  };
  for (const Case& one : cases) {
    ClientRequest request = signed_get();
    switch (one.what) {
      case Do::add: request.headers.push_back({one.name, one.value}); break;
      case Do::set: header(request, one.name) = one.value; break;
      case Do::drop:
        std::erase_if(request.headers, [&](const HeaderLine& l) { return l.name == one.name; });
        break;
      case Do::target: request.target = one.name; break;
    }
    const auto identity = gate(request);
    REQUIRE_FALSE(identity.has_value());
    CHECK_MESSAGE(identity.error().failure == one.failure,
                  std::string(to_s3(identity.error().failure).message));
  }
  CHECK(gate({"GET", "/b/k?AWSAccessKeyId=x&Expires=1&Signature=y", {{"Host", "h"}}})
            .error()
            .failure == unsupported_mechanism);
  // x-amz-* must be signed in a presigned request too.
  ClientRequest request = presigned_get();
  request.headers.push_back({"x-amz-acl", "public-read"});
  CHECK(gate(request).error().failure == headers_not_signed);
}

TEST_CASE("auth failure: clocks, to the second") {
  Gate gate;
  const auto at = [&gate](std::int64_t now, const ClientRequest& request) {
    gate.policy.now_unix_seconds = example_time + now;
    const auto identity = gate(request);
    return identity ? std::optional<AuthFailure>() : identity.error().failure;
  };
  const std::optional<AuthFailure> fine;
  for (std::int64_t now : {-900, 0, 900}) CHECK(at(now, signed_get()) == fine);
  for (std::int64_t now : {-901, 901, 86'400}) CHECK(at(now, signed_get()) == clock_skew);
  for (std::int64_t now : {-900, 0, 600}) CHECK(at(now, presigned_get()) == fine);
  for (std::int64_t now : {-901, -86'400}) CHECK(at(now, presigned_get()) == not_yet_valid);
  for (std::int64_t now : {601, 86'400}) CHECK(at(now, presigned_get()) == expired);
}

TEST_CASE("auth failure: S3's answers") {
  std::set<std::string> seen;
  for (int i = 0; i <= static_cast<int>(auth_failure_last); ++i) {
    const S3Answer answer = to_s3(static_cast<AuthFailure>(i));
    seen.insert(std::string(answer.code) + std::string(answer.message));
  }
  // The two signature mismatches (request, chunk) answer alike; nothing else does.
  CHECK(seen.size() == static_cast<std::size_t>(auth_failure_last));

  struct Expected {
    AuthFailure failure;
    std::string_view code;
    int status;
  };
  const Expected table[] = {
      {several_mechanisms, "InvalidArgument", 400},
      {unsupported_mechanism, "InvalidRequest", 400},
      {unsupported_authorization_type, "InvalidArgument", 400},
      {duplicated_header, "InvalidRequest", 400},
      {header_malformed, "AuthorizationHeaderMalformed", 400},
      {header_signed_headers, "AuthorizationHeaderMalformed", 400},
      {date_missing, "AccessDenied", 403},
      {content_sha256_missing, "InvalidRequest", 400},
      {query_parameters, "AuthorizationQueryParametersError", 400},
      {query_scope_region, "AuthorizationQueryParametersError", 400},
      {expires_not_a_number, "AuthorizationQueryParametersError", 400},
      {expires_too_large, "AuthorizationQueryParametersError", 400},
      {not_yet_valid, "AccessDenied", 403},
      {expired, "AccessDenied", 403},
      {uri, "InvalidURI", 400},
      {clock_skew, "RequestTimeTooSkewed", 403},
      {headers_not_signed, "AccessDenied", 403},
      {content_sha256_invalid, "InvalidArgument", 400},
      {payload_mode_unsupported, "NotImplemented", 501},
      {unknown_access_key, "InvalidAccessKeyId", 403},
      {token, "InvalidToken", 400},
      {signature_mismatch, "SignatureDoesNotMatch", 403},
      {decoded_length_missing, "MissingContentLength", 411},
      {trailer_header_invalid, "InvalidRequest", 400},
      {chunk_malformed, "InvalidRequest", 400},
      {chunk_too_large, "InvalidChunkSizeError", 400},
      {chunk_signature_mismatch, "SignatureDoesNotMatch", 403},
      {trailer_malformed, "MalformedTrailerError", 400},
      {body_incomplete, "IncompleteBody", 400},
  };
  for (const Expected& expected : table) {
    CHECK(to_s3(expected.failure).code == expected.code);
    CHECK(to_s3(expected.failure).status == expected.status);
  }
  CHECK(to_s3(unsupported_mechanism).message ==
        "The authorization mechanism you have provided is not supported. Please use "
        "AWS4-HMAC-SHA256.");
  CHECK(to_s3(expired).message == "Request has expired");
}

TEST_CASE("auth failure: the scope's sentences name both sides") {
  Gate gate;
  ClientRequest request = signed_get();
  replace(header(request, "Authorization"), "/us-east-1/", "/eu-west-1/");
  CHECK(explain(gate(request).error(), "us-east-1") ==
        "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting "
        "'us-east-1'");
  request = presigned_get();
  replace(request.target, "us-east-1", "eu-west-1");
  CHECK(explain(gate(request).error(), "us-east-1") ==
        "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting "
        "'us-east-1'");
  request = signed_get();
  replace(header(request, "Authorization"), "/s3/", "/sts/");
  CHECK(explain(gate(request).error(), "us-east-1") ==
        "The authorization header is malformed; incorrect service \"sts\". This endpoint belongs "
        "to \"s3\".");
  CHECK(explain(expired, "us-east-1") == "Request has expired");
  CHECK(explain({header_scope_region, std::string(1'000, 'x')}, "r").size() < 200);
}

}  // namespace
}  // namespace millrace::s3
