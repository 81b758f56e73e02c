// What the parts of a server are told, made from its options and the machine. Main thread, at
// start.
#pragma once

#include "health/view.h"
#include "s3/store/options.h"
#include "tools/addresses.h"
#include "tools/cores.h"
#include "tools/options.h"

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

// A wildcard of any family is one socket of each: peers then show their own addresses.
std::vector<sockaddr_storage> sockets_of(std::span<const ListenAddress> addresses);
// As URLs, for people and for other containers.
std::vector<std::string> endpoints_of(std::span<const ListenAddress> addresses, bool tls);
s3::store::Durability durability_of(Durability durability);
// A processor without a frontend, for the health shard.
std::optional<unsigned> spare_processor(const Cores& cores);
// Of the counters in status pages, by index.
std::vector<std::string_view> operation_names();
// A quarter of the descriptors at most goes to objects that are kept open; connections come first.
std::size_t objects_kept_max(std::size_t shards);

// So that whoever is told `ready` finds the health port ready, too. A filesystem that hangs does
// not keep the server from saying so: for two seconds at most.
void wait_for_first_verdict(const health::View& view);

}  // namespace millrace::tools
