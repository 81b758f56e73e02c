// See sample.h.
#include "bench/micro/sample.h"

#include "engine/check.h"
#include "http/parser.h"

namespace millrace::bench {

namespace {

constexpr std::string_view target = "/bench/photos/2026/07/object-00042.jpeg";

s3::ClientRequest plain_get() {
  return {.method = "GET",
          .target = std::string(target),
          .headers = {{"Host", "storage.example.com:9000"}}};
}

std::string as_bytes(const s3::ClientRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const s3::HeaderLine& line : request.headers) {
    text += line.name + ": " + line.value + "\r\n";
  }
  text += "User-Agent: Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux lang/python#3.12\r\n";
  text += "Accept-Encoding: identity\r\n";
  return text + "\r\n";
}

}  // namespace

std::string presigned_get() {
  s3::ClientRequest request = plain_get();
  request.target = s3::presign(request, signer(), now, 3600);
  return as_bytes(request);
}

std::string signed_get() {
  s3::ClientRequest request = plain_get();
  s3::sign_request(request, signer(), now, "UNSIGNED-PAYLOAD");
  return as_bytes(request);
}

void parse(std::string_view bytes, http::Head& head) {
  MILLRACE_CHECK(http::parse_head(bytes, head).has_value());
}

const s3::CredentialTable& credentials() {
  static const s3::CredentialTable table({s3::Principal{.access_key = signer().access_key,
                                                        .secret_key = signer().secret_key,
                                                        .name = "root",
                                                        .root = true}});
  return table;
}

s3::Policy policy() {
  return {.region = "us-east-1", .now_unix_seconds = now};
}

s3::SigningIdentity signer() {
  return {.access_key = "benchmark",
          .secret_key = "benchmark-secret-key",
          .region = "us-east-1",
          .session_token = ""};
}

}  // namespace millrace::bench
