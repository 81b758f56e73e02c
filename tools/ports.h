// Whether the ports are free. The server's own sockets share their port among shards
// (SO_REUSEPORT), so they would also bind beside another server of the same user. Main thread.
#pragma once

#include "tools/addresses.h"

namespace millrace::tools {

// Binds the address once, without SO_REUSEPORT, and closes it. Refuses an address that is taken
// (naming the process where /proc shows it), isn't this host's, or needs a privilege.
// `setting` is the key that the refusal names.
Allowed<> check_port_free(const ListenAddress& address, const std::string& setting);

}  // namespace millrace::tools
