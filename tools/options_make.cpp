// How values from several sources become options, and what does not go together. Pure.
#include "tools/options.h"

#include <fmt/format.h>

namespace millrace::tools {
namespace {

// A value of a repeated setting may hold several, separated by commas.
std::vector<std::string> split_values(const std::vector<std::string>& values) {
  std::vector<std::string> pieces;
  for (const std::string& value : values) {
    std::size_t begin = 0;
    for (std::size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
      comma = value.find(',', begin);
      pieces.push_back(value.substr(begin, comma == std::string::npos ? comma : comma - begin));
    }
  }
  return pieces;
}

Allowed<> apply_setting(const SettingSpec& spec, const SettingValue& value, ServeOptions& options) {
  std::vector<std::string> texts = value.values;
  if (spec.repeated) texts = split_values(texts);
  if (!spec.repeated && texts.size() != 1) {
    return refuse(value.origin, fmt::format("has {} values", texts.size()), "give one");
  }
  auto applied = spec.apply(options, texts);
  if (!applied.has_value()) return refuse(value.origin, std::move(applied.error()), "");
  return {};
}

// A container is told nothing that its cluster knows: two truths would be one too many.
Allowed<> check_cluster_settings(std::span<const Settings* const> sources,
                                 const ServeOptions& options) {
  if (options.config_fs.empty()) {
    if (options.name.empty()) return {};
    return refuse("--name", "is for a container of a cluster", "give --config-fs, too");
  }
  for (const std::string_view key : {"data", "durability", "domain", "region", "max_buckets",
                                     "anonymous_posix_uid", "anonymous_posix_gid"}) {
    for (const Settings* source : sources) {
      const auto found = source->find(key);
      if (found == source->end()) continue;
      return refuse(found->second.origin, "comes from the cluster's configuration", "leave it out");
    }
  }
  return {};
}

Allowed<> check_apart(std::string_view setting, const ListenAddress& own,
                      std::string_view other_setting, const ListenAddress& other) {
  if (!overlap(own, other)) return {};
  return refuse(std::string(setting),
                fmt::format("{} and {} {} overlap", own.text(), other_setting, other.text()),
                fmt::format("give {} a port of its own", flag_name(setting)));
}

}  // namespace

Allowed<> check_listeners(const ServeOptions& options) {
  for (std::size_t a = 0; a < options.listen.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (!overlap(options.listen[a], options.listen[b])) continue;
      return refuse("listen",
                    options.listen[b].text() + " and " + options.listen[a].text() + " overlap",
                    "name each address and port once");
    }
    const ListenAddress& listen = options.listen[a];
    if (auto apart = check_apart("health", options.health, "listen", listen); !apart) return apart;
    if (!options.agent) continue;
    if (auto apart = check_apart("agent", *options.agent, "listen", listen); !apart) return apart;
  }
  if (!options.agent) return {};
  return check_apart("agent", *options.agent, "health", options.health);
}

namespace {

// A notice that is longer than the whole drain would be cut, which nobody means.
Allowed<> check_drain(const ServeOptions& options) {
  if (!options.drain_notice || *options.drain_notice == std::chrono::seconds(0) ||
      *options.drain_notice < options.drain_deadline) {
    return {};
  }
  return refuse("drain_notice",
                fmt::format("{} s leave nothing of drain_deadline, {} s",
                            options.drain_notice->count(), options.drain_deadline.count()),
                "make the notice shorter or the deadline longer");
}

}  // namespace

Allowed<ServeOptions> make_options(std::span<const Settings* const> sources) {
  ServeOptions options;
  options.listen = {ListenAddress{.port = 9000}};
  options.health.port = 9001;
  for (const SettingSpec& spec : setting_specs()) {
    for (const Settings* source : sources) {
      const auto found = source->find(spec.key);
      if (found == source->end()) continue;
      auto applied = apply_setting(spec, found->second, options);
      if (!applied.has_value()) return std::unexpected(std::move(applied.error()));
      break;
    }
  }
  if (auto cluster = check_cluster_settings(sources, options); !cluster.has_value()) {
    return std::unexpected(std::move(cluster.error()));
  }
  if (options.data.empty() && options.config_fs.empty()) {
    return refuse("--data", "is missing",
                  "name the data directory with --data DIR, MILLRACE_DATA or `data` in the file");
  }
  if (auto drain = check_drain(options); !drain.has_value()) {
    return std::unexpected(std::move(drain.error()));
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    const bool key = options.tls_key.empty();
    return refuse(key ? "--tls-key" : "--tls-cert", "is missing",
                  "a certificate and its key are given together");
  }
  // A container's ports are those of its cluster: checked when they are known.
  if (options.config_fs.empty()) {
    if (auto listeners = check_listeners(options); !listeners.has_value()) {
      return std::unexpected(std::move(listeners.error()));
    }
  }
  return options;
}

}  // namespace millrace::tools
