// The REST interface of a cluster, on the health port of each of its containers: JSON over HTTP,
// signed by the root keys (Signature Version 4, service s3, any region), described by the OpenAPI
// document that it serves. Requests are taken and answered on the health shard; what waits for the
// configuration filesystem is done by a thread of its own, one request after the other.
// Invariant: a configuration filesystem that hangs holds up neither the health shard nor a stop.
#pragma once

#include "engine/task.h"
#include "http/exchange.h"
#include "s3/auth/credentials.h"

#include <memory>
#include <string>
#include <string_view>

namespace millrace::tools {

// What `millrace cluster` signs for; the server takes any.
inline constexpr std::string_view rest_region = "us-east-1";
inline constexpr std::size_t rest_body_bytes_max = 64 * 1024;
// Requests that wait for the one under way; more are answered 503.
inline constexpr std::size_t rest_waiting_max = 16;
inline constexpr unsigned rest_deadline_s = 30;

struct RestOptions {
  std::string config_fs;
  std::string writer;  // of events: the container's name
  s3::CredentialSource credentials;
  // Take requests without TLS from other hosts, too.
  bool clear_text = false;
};

class Rest {
 public:
  explicit Rest(RestOptions options);
  // A thread that hangs is left behind.
  ~Rest();
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;

  static bool owns(std::string_view path) { return path.starts_with("/cluster/"); }
  // On the health shard; `context` is a Rest.
  static engine::Task<> serve(void* context, http::Exchange& exchange);

  // Requests under way are answered 503. Any thread; before the health shard ends.
  void request_stop();

 private:
  struct Shared;
  engine::Task<> answer(http::Exchange& exchange);

  const RestOptions options_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace millrace::tools
