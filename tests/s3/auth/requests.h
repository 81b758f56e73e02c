// What the authentication tests share: AWS's example credentials and moment, and a Head made
// from a client's request as the HTTP layer would make it.
#pragma once

#include "http/head.h"
#include "s3/auth/credentials.h"
#include "s3/auth/sign.h"
#include "s3/auth/sigv4.h"

#include <string>
#include <string_view>

namespace millrace::s3::testing {

inline constexpr std::int64_t example_time = 1'369'353'600;  // 20130524T000000Z
inline constexpr std::string_view example_key = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view example_secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
inline constexpr std::string_view empty_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

inline SigningIdentity example_identity() {
  return {std::string(example_key), std::string(example_secret), "us-east-1", ""};
}

inline CredentialTable example_table() {
  std::vector<Principal> principals(3);
  principals[0].access_key = "other";
  principals[0].secret_key = "other-secret";
  principals[1].access_key = std::string(example_key);
  principals[1].secret_key = std::string(example_secret);
  principals[1].name = "example";
  principals[2].access_key = "TEMPORARY/KEY";
  principals[2].secret_key = std::string(example_secret);
  principals[2].session_token = "tok/en+1==";
  return CredentialTable(std::move(principals));
}

// Views into the request, which must stay as it is.
inline http::Head head_of(const ClientRequest& request) {
  http::Head head;
  head.method_text = request.method;
  head.target = request.target;
  const std::size_t mark = head.target.find('?');
  head.path = head.target.substr(0, mark);
  if (mark != head.target.npos) head.query = head.target.substr(mark + 1);
  for (const HeaderLine& line : request.headers)
    head.field_slots[head.field_count++] = {line.name, line.value};
  head.host = head.value("host");
  return head;
}

// Authenticates against the example's table, region and (by default) moment.
struct Gate {
  CredentialTable table = example_table();
  SigningKeyCache keys;
  Policy policy{.region = "us-east-1", .now_unix_seconds = example_time};

  std::expected<Identity, AuthError> operator()(const ClientRequest& request) {
    const http::Head head = head_of(request);
    return authenticate(head, head.query, table.source(), policy, keys);
  }
};

inline std::string hex(const Sha256::Digest& digest) {
  const auto text = hex_of(digest);
  return {text.data(), text.size()};
}

}  // namespace millrace::s3::testing
