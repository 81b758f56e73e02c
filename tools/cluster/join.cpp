// From a cluster's configuration to the options of one container; see join.h.
#include "tools/cluster/join.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace millrace::tools {

namespace cluster = health::cluster;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  std::string text(name.data());
  for (char& byte : text) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  return text;
}

Allowed<> apply_configuration(const cluster::Configuration& configuration, ServeOptions& options) {
  const auto apply = [&](std::string_view key, std::vector<std::string> values) -> Allowed<> {
    if (values.empty()) return {};
    auto applied = find_setting(key)->apply(options, values);
    if (applied.has_value()) return {};
    return refuse(fmt::format("the cluster's {}", key), std::move(applied.error()), "");
  };
  if (configuration.data.size() != 1) {
    return refuse("the cluster's data", "several filesystems are not served by this version",
                  "start a newer one");
  }
  std::vector<std::pair<std::string_view, std::vector<std::string>>> settings = {
      {"data", {configuration.data.front().directory}},
      {"domain", configuration.domains},
      {"region", {configuration.region}},
      {"durability", {configuration.durability}},
      {"max_buckets", {std::to_string(configuration.buckets_max)}},
      {"anonymous_posix_uid", {std::to_string(configuration.anonymous_uid)}},
      {"anonymous_posix_gid", {std::to_string(configuration.anonymous_gid)}}};
  // A port alone is every interface.
  if (!options.listen_given) settings.push_back({"listen", {std::to_string(configuration.port)}});
  if (!options.health_given) {
    settings.push_back({"health", {std::to_string(configuration.health_port)}});
  }
  for (auto& [key, values] : settings) {
    if (auto applied = apply(key, std::move(values)); !applied.has_value()) return applied;
  }
  return check_listeners(options);
}

Allowed<cluster::Joined> join_cluster(ServeOptions& options) {
  const std::string host = host_name();
  auto joined = cluster::join(options.config_fs, options.name.empty() ? host : options.name, host);
  if (!joined.has_value()) {
    const cluster::JoinRefusal& refusal = joined.error();
    return refuse(refusal.what, refusal.why, refusal.remedy);
  }
  if (auto applied = apply_configuration(joined->configuration, options); !applied.has_value()) {
    return std::unexpected(std::move(applied.error()));
  }
  return std::move(*joined);
}

Allowed<> enter_cluster(cluster::Joined& joined) {
  if (auto entered = cluster::enter(joined); !entered.has_value()) {
    const cluster::JoinRefusal& refusal = entered.error();
    return refuse(refusal.what, refusal.why, refusal.remedy);
  }
  return {};
}

Allowed<> announce_epoch(const cluster::Joined& joined) {
  const auto written = joined.directory.write_beat({.name = joined.name,
                                                    .epoch = joined.epoch,
                                                    .run = joined.run,
                                                    .phase = cluster::Phase::joining,
                                                    .host = host_name(),
                                                    .version = MILLRACE_VERSION,
                                                    .feature_level = cluster::feature_level_known});
  if (written) return {};
  return refuse(joined.directory.path(), engine::describe(written.error()),
                "the configuration filesystem must be writable");
}

Allowed<Credentials> cluster_credentials(const cluster::Joined& joined,
                                         const char* const* environment) {
  auto given = find_credentials(-1, {}, environment);
  if (!given.has_value()) return std::unexpected(std::move(given.error()));
  if (given->has_value() && ((*given)->access_key != joined.secrets.access_key ||
                             (*given)->secret_key != joined.secrets.secret_key)) {
    return refuse("MILLRACE_ACCESS_KEY", "differs from the cluster's root keys",
                  "leave it and MILLRACE_SECRET_KEY out: the cluster has them");
  }
  Credentials credentials;
  credentials.access_key = joined.secrets.access_key;
  credentials.secret_key = joined.secrets.secret_key;
  credentials.source = Credentials::Source::file;
  return credentials;
}

}  // namespace millrace::tools
