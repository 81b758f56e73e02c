// What one run does: filled from the command line, or by a coordinator for its agents. A plain
// value, never changed once the threads run.
#pragma once

#include "s3/auth/sign.h"

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// The first `mixed_operations` may be asked for in a mix; make_bucket only prepares one.
enum class Operation : std::uint8_t { get, put, head, remove, list, multipart, range, make_bucket };
inline constexpr std::size_t mixed_operations = 7;
inline constexpr std::size_t operation_count = 8;
std::string_view operation_name(Operation operation);  // "delete" for remove

struct Mix {
  std::array<std::uint32_t, mixed_operations> weights{};

  bool has(Operation operation) const {
    const auto index = static_cast<std::size_t>(operation);
    return index < mixed_operations && weights[index] > 0;
  }
  bool writes() const { return has(Operation::put) || has(Operation::multipart); }
};

struct SizeRule {
  enum class Kind : std::uint8_t { fixed, uniform, lognormal };
  Kind kind = Kind::fixed;
  std::uint64_t least = 4096;  // the size; the least one; the median
  std::uint64_t most = 4096;
  double sigma = 0;  // lognormal: of the logarithm
};

struct Endpoint {
  std::string authority;  // "10.0.0.1:9000", as in the Host header
  std::string host;       // without brackets
  std::uint16_t port = 0;
  sockaddr_storage address{};  // set by resolve()
  socklen_t address_bytes = 0;
};

enum class Auth : std::uint8_t { header, presigned, none };
enum class Arrival : std::uint8_t { constant, poisson };

struct Settings {
  std::vector<Endpoint> endpoints;
  std::string bucket = "bench";
  s3::SigningIdentity identity{.region = "us-east-1"};  // without keys: anonymous
  Auth auth = Auth::header;
  bool sign_payload = false;

  Mix mix;
  SizeRule size;
  std::uint64_t range_bytes = 1024;
  std::uint64_t part_bytes = 8ULL << 20;
  unsigned list_page = 1000;
  std::uint64_t objects = 2000;
  std::string prefix = "load/";
  unsigned folders = 16;

  unsigned connections = 64;  // over all threads and hosts
  unsigned threads = 1;       // of each host
  std::vector<unsigned> cores;
  double rate = 0;  // requests a second over all hosts; 0: a closed loop
  Arrival arrival = Arrival::constant;

  std::uint64_t warmup_ms = 1000;
  std::uint64_t duration_ms = 10'000;  // 0: until `requests` are done
  std::uint64_t requests = 0;          // 0: until the duration is over
  std::uint64_t timeout_ms = 30'000;   // without progress of a request
  bool prepare = true;
  bool cleanup = false;
  bool verify = false;
  std::uint64_t seed = 1;
  std::uint64_t errors_max = 0;

  // Which part of the run this process does.
  unsigned host = 0;
  unsigned hosts = 1;

  bool open_loop() const { return rate > 0; }
  bool has_keys() const { return !identity.access_key.empty(); }
  unsigned streams() const { return threads * hosts; }  // threads over all hosts
};

// Each from its text; the error says what is wrong with it and what is allowed.
template <class T>
using Parsed = std::expected<T, std::string>;
Parsed<Mix> parse_mix(std::string_view text);                    // get=80,put=20
Parsed<SizeRule> parse_size_rule(std::string_view text);         // 4KiB, uniform:1K-1M, ...
Parsed<std::uint64_t> parse_duration_ms(std::string_view text);  // 500ms, 10s, 2m, 10
Parsed<std::vector<Endpoint>> parse_endpoints(std::string_view text);
std::string size_rule_text(const SizeRule& rule);
std::string mix_text(const Mix& mix);

// Looks the endpoints' names up; may wait for a resolver. Main thread.
Parsed<void> resolve(std::vector<Endpoint>& endpoints);

// What no run can be made of, as one line; after everything was set. `signs`: whether this process
// sends the requests, and so needs the credentials.
Parsed<void> check_settings(const Settings& settings, bool signs);

}  // namespace millrace::bench
