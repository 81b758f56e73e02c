// See found.h.
#include "tools/cluster/found.h"

#include "tools/cluster/join.h"

#include <cerrno>
#include <cstdio>

namespace millrace::tools {

using health::cluster::ClusterReading;
using health::cluster::ConfigDirectory;

Allowed<ClusterReading> read_cluster(const ConfigDirectory& directory) {
  auto reading = directory.read();
  if (!reading) {
    return refuse(directory.path(), engine::describe(reading.error()), look_at_mount);
  }
  if (!reading->faults.empty()) {
    const health::cluster::Fault& fault = reading->faults.front();
    return refuse(fault.path, fault.why,
                  "use the version of millrace that wrote it, or restore the file");
  }
  return std::move(*reading);
}

Allowed<ConfigDirectory> open_cluster(const std::string& config_fs) {
  auto directory = ConfigDirectory::open(config_fs, false);
  if (directory) return std::move(*directory);
  if (directory.error().is(ENOENT)) {
    return refuse(config_fs, "holds no cluster",
                  "run `millrace cluster create`, or mount the configuration filesystem there");
  }
  return refuse(config_fs, engine::describe(directory.error()), look_at_mount);
}

std::unexpected<Refusal> refuse_absent(const std::string& config_fs) {
  return refuse(config_fs, "holds no cluster", "run `millrace cluster create`");
}

std::string writer_name() {
  return "cli-" + host_name();
}

int refused(const Refusal& refusal) {
  std::fprintf(stderr, "%s\n", refusal.line().c_str());
  return 1;
}

}  // namespace millrace::tools
