// See remote.h. HTTP and TLS are cpp-httplib's.
#include "tools/cluster/remote.h"

#include "s3/digest/encoding.h"
#include "s3/digest/hash.h"
#include "tools/cluster/rest.h"
#include "tools/credentials_file.h"

#include <httplib.h>

#include <ctime>
#include <utility>

namespace millrace::tools {

using nlohmann::json;

struct Remote::Connection {
  httplib::Client client;
};

namespace {

constexpr std::time_t connect_limit_s = 5;
// Longer than the server takes to say that it has none.
constexpr std::time_t answer_limit_s = rest_deadline_s + 10;

// HOST:PORT of an endpoint, which has nothing behind them; empty: it is none.
std::string host_of(const std::string& endpoint) {
  std::string_view rest = endpoint;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
      if (rest.ends_with('/')) rest.remove_suffix(1);
      const bool whole = !rest.empty() && rest.find_first_of("/?#@ ") == rest.npos;
      return whole ? std::string(rest) : std::string();
    }
  }
  return {};
}

}  // namespace

Remote::Remote(std::string endpoint, std::string host, s3::SigningIdentity identity,
               std::unique_ptr<Connection> connection)
    : endpoint_(std::move(endpoint)),
      host_(std::move(host)),
      identity_(std::move(identity)),
      connection_(std::move(connection)) {}

Remote::~Remote() = default;
Remote::Remote(Remote&&) noexcept = default;
Remote& Remote::operator=(Remote&&) noexcept = default;

Allowed<Remote> Remote::open(const std::string& endpoint, const std::string& ca_bundle,
                             const char* const* environment) {
  std::string host = host_of(endpoint);
  if (host.empty()) {
    return refuse("--endpoint", "\"" + endpoint + "\" is not http://HOST:PORT or https://HOST:PORT",
                  "give the health port of any container");
  }
  auto keys = find_credentials(-1, {}, environment);
  if (!keys.has_value()) return std::unexpected(std::move(keys.error()));
  if (!keys->has_value()) {
    return refuse("MILLRACE_ACCESS_KEY", "is not set",
                  "set it and MILLRACE_SECRET_KEY to the cluster's root keys");
  }
  // The scheme in lower case and nothing behind the port, so its constructor can't throw.
  auto connection = std::make_unique<Connection>(
      httplib::Client((endpoint.starts_with("https") ? "https://" : "http://") + host));
  if (!connection->client.is_valid()) {
    return refuse("--endpoint", "\"" + endpoint + "\" can't be used", "give HOST:PORT");
  }
  connection->client.set_connection_timeout(connect_limit_s);
  connection->client.set_read_timeout(answer_limit_s);
  if (!ca_bundle.empty()) connection->client.set_ca_cert_path(ca_bundle);
  // The region is any that the server has no opinion about.
  return Remote(endpoint, std::move(host),
                {.access_key = (*keys)->access_key,
                 .secret_key = (*keys)->secret_key,
                 .region = std::string(rest_region),
                 .session_token = {}},
                std::move(connection));
}

Allowed<DeskAnswer> Remote::ask(const DeskRequest& request) {
  const std::string body = request.method == "GET"
                               ? std::string()
                               : request.body.dump(-1, ' ', false, json::error_handler_t::replace);
  s3::ClientRequest signed_request{
      .method = request.method,
      .target = std::string(rest_prefix) + s3::uri_encode(request.path, true),
      .headers = {{"Host", host_}}};
  s3::Sha256 digest;
  digest.update(body);
  const auto hex = s3::hex_of(digest.finish());
  s3::sign_request(signed_request, identity_, std::time(nullptr), {hex.data(), hex.size()});
  httplib::Request sent;
  sent.method = request.method;
  sent.path = signed_request.target;
  sent.body = body;
  for (const s3::HeaderLine& line : signed_request.headers) sent.set_header(line.name, line.value);
  const auto got = connection_->client.send(sent);
  if (!got) {
    return refuse(endpoint_, "gives no answer: " + httplib::to_string(got.error()),
                  "is it a container's health port?");
  }
  json document = json::parse(got->body, nullptr, false);
  if (!document.is_object() || (got->status != 200 && !document.contains("error"))) {
    return refuse(endpoint_, "gives an answer that is none of a cluster's",
                  "is it the health port of a container of a cluster?");
  }
  return DeskAnswer{.status = got->status, .body = std::move(document)};
}

}  // namespace millrace::tools
