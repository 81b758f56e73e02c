// Looking at everything that serving needs, and refusing in one line; see site.h.
#include "tools/site.h"

#include "health/cluster/peers.h"
#include "tools/cluster/join.h"
#include "tools/filesystem_check.h"
#include "tools/kernel_check.h"
#include "tools/metrics_token.h"
#include "tools/ports.h"
#include "tools/serve_parts.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace millrace::tools {

namespace cluster = health::cluster;

namespace {

std::unexpected<Refusal> pass_on(const Refusal& refusal) {
  return std::unexpected(refusal);
}

// As SIGTERM does, but it is not the operator's first: what is written from now on may be another
// server's.
void leave_lost_directory() {
  std::fputs("millrace: the data directory's lock was lost and is another server's now; leaving\n",
             stderr);
  ::kill(::getpid(), SIGUSR1);
}

Allowed<Credentials> find_root(const DataDirectory& data, const cluster::Joined* joined) {
  if (joined == nullptr) return load_credentials(data.system_fd(), data.system_path(), ::environ);
  return cluster_credentials(*joined, ::environ);
}

// Containers exclude each other by locks of a file in the data directory, and see at once what the
// others change. Where one kernel does both there is nothing to prove.
Allowed<> share(Site& site, const std::string& config_fs, const cluster::Joined& joined) {
  // Whoever sees the presence finds the beat, too: of two that start together neither waits.
  if (auto told = announce_epoch(joined); !told) return told;
  // A directory of its own for the witness's thread, which outlives what joined.
  auto directory = cluster::ConfigDirectory::open(config_fs, false);
  if (!directory)
    return refuse(config_fs, engine::describe(directory.error()), "look at the mount");
  auto beats = std::make_shared<cluster::ConfigDirectory>(std::move(*directory));
  auto witness = sharing::Witness::start(
      {.system_fd = site.data->system_fd(),
       .lock_fd = site.data->lock_fd(),
       .directory = site.data->path(),
       .name = joined.name,
       .epoch = joined.epoch,
       .sees =
           [beats](const std::string& name, const std::string& epoch) {
             const auto beat = beats->look_for_beat(name);
             return beat ? std::optional(*beat && (*beat)->epoch == epoch) : std::nullopt;
           },
       .on_lost = &leave_lost_directory});
  if (!witness) return std::unexpected(std::move(witness.error()));
  site.witness = std::move(*witness);
  if (auto same = site.witness->compare_configurations(); !same) return same;
  if (site.abilities.local) return {};
  site.abilities.shared = true;
  return site.witness->prove();
}

}  // namespace

Allowed<Site> look_around(const ServeOptions& options, const cluster::Joined* joined) {
  Site site;
  if (const auto kernel = check_kernel(); kernel.refusal) return pass_on(*kernel.refusal);
  auto cores = choose_cores(options.processors, affinity_processors(), cgroup_cpu_quota(""));
  if (!cores) return pass_on(cores.error());
  site.cores = std::move(*cores);
  for (const ListenAddress& address : options.listen) {
    if (const auto free = check_port_free(address, "listen"); !free) return pass_on(free.error());
  }
  if (const auto free = check_port_free(options.health, "health"); !free) {
    return pass_on(free.error());
  }
  if (options.agent) {
    if (const auto free = check_port_free(*options.agent, "agent"); !free) {
      return pass_on(free.error());
    }
  }
  if (joined != nullptr) {
    auto sockets = cluster::open_peer_sockets(sockets_of(std::span(&options.health, 1)));
    if (!sockets) {
      return refuse_errno(options.health.text() + " (UDP)", sockets.error().sys,
                          "choose another --health: containers talk to each other at its port");
    }
    site.peer_sockets = std::move(*sockets);
  }
  auto token = load_metrics_token(options.metrics_token_file);
  if (!token) return pass_on(token.error());
  site.metrics_token = std::move(*token);
  if (!options.tls_cert.empty()) {
    auto pair = load_tls({options.tls_cert, options.tls_key});
    if (!pair) return pass_on(pair.error());
    site.tls = std::move(*pair);
  }
  auto data = joined == nullptr ? DataDirectory::open(options.data)
                                : DataDirectory::open_of_cluster(
                                      options.data, joined->configuration.data[0].id,
                                      joined->configuration.id, DataDirectory::Sharing::shared);
  if (!data) return pass_on(data.error());
  site.data = std::move(*data);
  // A folder of its own: another container may be probing, too.
  const std::string scratch = joined == nullptr ? "probe" : "probe-" + joined->name;
  const auto abilities = s3::store::probe_abilities(site.data->system_fd(), scratch.c_str());
  if (!abilities) {
    return refuse(options.data, describe(abilities.error()),
                  "choose a directory that this user may write to");
  }
  site.abilities = *abilities;
  if (const auto fits = apply_format(site.data->format(), options.data, site.abilities); !fits) {
    return pass_on(fits.error());
  }
  const auto filesystem = check_filesystem(options.data, site.abilities, options.durability);
  if (filesystem.refusal) return pass_on(*filesystem.refusal);
  if (joined != nullptr) {
    if (const auto shared = share(site, options.config_fs, *joined); !shared)
      return pass_on(shared.error());
  }
  auto credentials = find_root(*site.data, joined);
  if (!credentials) return pass_on(credentials.error());
  site.credentials = std::move(*credentials);
  return site;
}

}  // namespace millrace::tools
