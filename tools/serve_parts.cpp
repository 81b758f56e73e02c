// See serve_parts.h.
#include "tools/serve_parts.h"

#include "engine/clock.h"
#include "s3/operations.h"
#include "s3/store/object_cache.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>

namespace millrace::tools {

std::vector<sockaddr_storage> sockets_of(std::span<const ListenAddress> addresses) {
  std::vector<sockaddr_storage> sockets;
  for (ListenAddress address : addresses) {
    if (address.family != AddressFamily::any) {
      sockets.push_back(socket_address(address, host_has_ipv6()).address);
      continue;
    }
    address.family = AddressFamily::ipv4;
    sockets.push_back(socket_address(address, false).address);
    if (!host_has_ipv6()) continue;
    address.family = AddressFamily::ipv6;
    sockets.push_back(socket_address(address, true).address);
  }
  return sockets;
}

std::vector<std::string> endpoints_of(std::span<const ListenAddress> addresses, bool tls) {
  std::vector<std::string> all;
  for (const ListenAddress& address : addresses)
    std::ranges::copy(endpoints(address, tls), std::back_inserter(all));
  return all;
}

s3::store::Durability durability_of(Durability durability) {
  switch (durability) {
    case Durability::strict: return s3::store::Durability::strict;
    case Durability::data: return s3::store::Durability::data;
    case Durability::none: break;
  }
  return s3::store::Durability::none;
}

std::optional<unsigned> spare_processor(const Cores& cores) {
  for (const unsigned processor : affinity_processors()) {
    if (std::ranges::find(cores.processors, processor) == cores.processors.end()) return processor;
  }
  return std::nullopt;
}

std::vector<std::string_view> operation_names() {
  std::vector<std::string_view> names;
  for (const s3::Operation& each : s3::operations()) names.push_back(each.name);
  names.push_back("Unknown");
  return names;
}

std::size_t objects_kept_max(std::size_t shards) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  return std::min<std::size_t>(s3::store::objects_kept_max, files.rlim_cur / 4 / shards);
}

void wait_for_first_verdict(const health::View& view) {
  constexpr auto step = std::chrono::milliseconds(5);
  constexpr int steps_max = 400;
  for (int steps = 0; steps < steps_max; ++steps) {
    if (view.read(engine::monotonic_ns()).reason != health::Reason::starting) return;
    std::this_thread::sleep_for(step);
  }
}

}  // namespace millrace::tools
