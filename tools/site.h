// What `millrace serve` finds before it starts anything: the machine, the data directory, the root
// keys, other secrets. Main thread.
#pragma once

#include "health/cluster/member.h"
#include "s3/store/abilities.h"
#include "tools/cores.h"
#include "tools/credentials_file.h"
#include "tools/data_directory.h"
#include "tools/options.h"
#include "tools/sharing/witness.h"

#include <memory>
#include "tools/refusal.h"
#include "tools/tls_files.h"

#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

struct Site {
  Cores cores;
  std::optional<DataDirectory> data;
  std::vector<engine::Descriptor> peer_sockets;  // in a cluster
  std::unique_ptr<sharing::Witness> witness;     // in a cluster
  s3::store::Abilities abilities;
  Credentials credentials;
  std::string metrics_token;   // empty: /metrics wants none
  std::optional<TlsPair> tls;  // none: clear text
};

// Looks in the order of what is cheapest to put right. `joined` is null for a standalone server.
Allowed<Site> look_around(const ServeOptions& options, const health::cluster::Joined* joined);

}  // namespace millrace::tools
