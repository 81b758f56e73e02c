// The whole S3 service on one test shard, spoken to over a socket, and its clients' requests:
// signed in headers or in the query, rightly, wrongly and too late.
#pragma once

#include "s3/auth/sign.h"
#include "s3/service.h"
#include "tests/http/connection_driver.h"
#include "tests/s3/store/store_driver.h"

#include <string>
#include <string_view>

namespace millrace::tests {

inline constexpr std::string_view test_secret = "the-secret-that-nobody-may-see";

enum class Auth : std::uint8_t { none, header, query };

// Bucket "bucket" in a directory of its own, and one service of it.
struct ServedSite {
  explicit ServedSite(engine::Shard& shard_in, st::Durability durability = st::Durability::none)
      : site(durability),
        shard(shard_in),
        table(principals()),
        service(shard,
                {.region = "us-east-1",
                 .domains = {},
                 .credentials = table.source(),
                 .default_owner = {},
                 .access_log = &access_log,
                 .side_door = {}},
                site.options, site.locks),
        client(shard, true, {.handler = service.handler()}) {}

  static std::vector<s3::Principal> principals() {
    std::vector<s3::Principal> all(1);
    all[0].access_key = "test-key";
    all[0].secret_key = std::string(test_secret);
    all[0].name = "tester";
    all[0].root = true;
    return all;
  }

  struct Ask {
    std::string method = "GET";
    std::string target = "/";
    std::vector<s3::HeaderLine> headers = {};
    std::string body = {};
    Auth auth = Auth::header;
    std::string payload = "UNSIGNED-PAYLOAD";  // x-amz-content-sha256
    bool wrong = false;                        // a signature made with another secret
    bool late = false;                         // signed too long ago
    bool expect = false;  // Expect: 100-continue; the body is not sent with the head
  };

  // The request as it goes over the wire.
  std::string render(const Ask& ask) const {
    s3::ClientRequest request{ask.method, ask.target, {{"Host", "localhost"}}};
    for (const auto& header : ask.headers) request.headers.push_back(header);
    if (ask.method == "PUT" || ask.method == "POST") {
      request.headers.push_back({"Content-Length", std::to_string(ask.body.size())});
    }
    if (ask.expect) request.headers.push_back({"Expect", "100-continue"});
    const s3::SigningIdentity who{
        "test-key", ask.wrong ? "another-secret" : std::string(test_secret), "us-east-1", ""};
    const auto now = static_cast<std::int64_t>(shard.wall_seconds()) - (ask.late ? 7200 : 0);
    if (ask.auth == Auth::header) s3::sign_request(request, who, now, ask.payload);
    if (ask.auth == Auth::query) request.target = s3::presign(request, who, now, 3600);
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const auto& header : request.headers) text += header.name + ": " + header.value + "\r\n";
    return text + "\r\n" + (ask.expect ? "" : ask.body);
  }

  Task<std::string> answer_to(const Ask& ask) {
    co_await client.send(render(ask));
    co_return co_await client.answer(ask.method == "HEAD");
  }
  // On a new connection, for requests after which the server closes.
  Task<> reconnect() {
    co_await client.stream->close();
    SocketPair pair = tcp_pair();
    client.stream.emplace(std::move(pair.client));
    client.got.clear();
    client.server.accept(std::move(pair.server), 0);
  }

  std::string log_text() {
    access_log.drain(logged);
    return logged;
  }

  Site site;
  engine::Shard& shard;
  s3::CredentialTable table;
  engine::LogChannel access_log{engine::LogLevel::debug};
  s3::Service service;
  http::test::Client client;
  std::string logged;
};

inline std::string header_of(std::string_view answer, std::string_view name) {
  const auto head = answer.substr(0, answer.find("\r\n\r\n") + 2);
  const std::string field = "\r\n" + std::string(name) + ": ";
  const auto at = head.find(field);
  if (at == std::string_view::npos) return {};
  const auto begin = at + field.size();
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

inline std::string code_of(std::string_view answer) {
  const auto at = answer.find("<Code>");
  if (at == std::string_view::npos) return {};
  return std::string(answer.substr(at + 6, answer.find("</Code>") - at - 6));
}

// Ways to ask without the right signature, and what each is told, always with 403.
struct Refusal {
  const char* what;
  Auth auth;
  bool wrong;
  bool late;
  const char* code;
};
inline constexpr Refusal refusals[] = {
    {"none", Auth::none, false, false, "AccessDenied"},
    {"wrong header", Auth::header, true, false, "SignatureDoesNotMatch"},
    {"late header", Auth::header, false, true, "RequestTimeTooSkewed"},
    {"wrong query", Auth::query, true, false, "SignatureDoesNotMatch"},
    {"late query", Auth::query, false, true, "AccessDenied"},
};

}  // namespace millrace::tests
