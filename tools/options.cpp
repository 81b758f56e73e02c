// The table of settings. Pure. (What becomes of them: options_make.cpp.)
#include "tools/options.h"

#include "s3/auth/signing_key.h"
#include "tools/cores.h"
#include "tools/setting_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tools {
namespace {

using Texts = std::span<const std::string>;
using Outcome = std::expected<void, std::string>;

Outcome wrong(std::string_view text, std::string_view allowed) {
  return std::unexpected(fmt::format("\"{}\" is not allowed; {}", text, allowed));
}

template <class T>
Outcome choose(T& target, const std::string& text,
               std::initializer_list<std::pair<std::string_view, T>> choices,
               std::string_view allowed) {
  for (const auto& [name, value] : choices) {
    if (text == name) {
      target = value;
      return {};
    }
  }
  return wrong(text, allowed);
}

Outcome apply_path(std::string& target, const std::string& text) {
  if (text.empty() || text.find('\0') != std::string::npos) return wrong(text, "give a path");
  target = text;
  return {};
}

Outcome apply_listen(ServeOptions& options, Texts texts) {
  options.listen.clear();
  options.listen_given = true;
  for (const std::string& text : texts) {
    auto address = parse_listen_address(text);
    if (!address.has_value()) return std::unexpected(address.error());
    options.listen.push_back(*address);
  }
  return {};
}

Outcome apply_health(ServeOptions& options, Texts texts) {
  auto address = parse_listen_address(texts[0]);
  if (!address.has_value()) return std::unexpected(address.error());
  options.health = *address;
  options.health_given = true;
  return {};
}

Outcome apply_cores(ServeOptions& options, Texts texts) {
  auto processors = parse_core_list(texts[0]);
  if (!processors.has_value()) return std::unexpected(processors.error());
  options.processors = std::move(*processors);
  return {};
}

Outcome apply_domains(ServeOptions& options, Texts texts) {
  options.domains.clear();
  for (const std::string& text : texts) {
    std::string domain = text;
    for (char& byte : domain) {
      if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    }
    if (!is_domain(domain)) return wrong(text, "give a DNS name as s3.example.com, without a port");
    if (std::find(options.domains.begin(), options.domains.end(), domain) ==
        options.domains.end()) {
      options.domains.push_back(std::move(domain));
    }
  }
  return {};
}

Outcome apply_region(ServeOptions& options, Texts texts) {
  const auto allowed = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
  };
  if (texts[0].empty() || texts[0].size() > s3::region_bytes_max ||
      !std::all_of(texts[0].begin(), texts[0].end(), allowed)) {
    return wrong(texts[0], fmt::format("use 1 to {} of a-z, 0-9 and '-'", s3::region_bytes_max));
  }
  options.region = texts[0];
  return {};
}

Outcome apply_networks(ServeOptions& options, Texts texts) {
  options.proxy_networks.clear();
  for (const std::string& text : texts) {
    auto network = parse_network(text);
    if (!network.has_value()) return std::unexpected(network.error());
    options.proxy_networks.push_back(*network);
  }
  return {};
}

// A drain of an hour is no drain.
constexpr std::uint64_t drain_seconds_max = 3600;

Outcome apply_drain_notice(ServeOptions& options, Texts texts) {
  const auto seconds = parse_whole_number(texts[0], 0, drain_seconds_max);
  if (!seconds) return wrong(texts[0], "use whole seconds from 0 to 3600");
  options.drain_notice = std::chrono::seconds(*seconds);
  return {};
}

Outcome apply_drain_deadline(ServeOptions& options, Texts texts) {
  const auto seconds = parse_whole_number(texts[0], 0, drain_seconds_max);
  if (!seconds) return wrong(texts[0], "use whole seconds from 0 to 3600");
  options.drain_deadline = std::chrono::seconds(*seconds);
  return {};
}

Outcome apply_agent(ServeOptions& options, Texts texts) {
  auto address = parse_listen_address(texts[0]);
  if (!address.has_value()) return std::unexpected(address.error());
  options.agent = *address;
  return {};
}

Outcome apply_capacity_threshold(ServeOptions& options, Texts texts) {
  const auto part = parse_fraction(texts[0], 0.01, 1.0);
  if (!part) return wrong(texts[0], "use a number from 0.01 to 1");
  options.capacity_threshold = *part;
  return {};
}

Outcome apply_requests_max(ServeOptions& options, Texts texts) {
  const auto count = parse_whole_number(texts[0], 1, 1'000'000'000);
  if (!count) return wrong(texts[0], "use a whole number from 1 to 1000000000");
  options.requests_max = *count;
  return {};
}

Outcome apply_memory_max(ServeOptions& options, Texts texts) {
  const auto bytes = parse_size(texts[0], 1ULL << 20, 1ULL << 50);
  if (!bytes) return wrong(texts[0], "use bytes, or a number with M, G or T: 512M, 16G");
  options.memory_max_bytes = *bytes;
  return {};
}

Outcome apply_durability(ServeOptions& options, Texts texts) {
  return choose(
      options.durability, texts[0],
      {{"strict", Durability::strict}, {"data", Durability::data}, {"none", Durability::none}},
      "use strict, data or none");
}

Outcome apply_log_level(ServeOptions& options, Texts texts) {
  using engine::LogLevel;
  return choose(options.log_level, texts[0],
                {{"debug", LogLevel::debug},
                 {"info", LogLevel::info},
                 {"warning", LogLevel::warning},
                 {"error", LogLevel::error}},
                "use debug, info, warning or error");
}

Outcome apply_anonymous(ServeOptions& options, Texts texts) {
  return choose(options.anonymous, texts[0], {{"none", AnonymousAccess::none}}, "use none");
}

Outcome apply_number(std::uint32_t& into, const std::string& text, std::uint32_t max) {
  const auto number = parse_whole_number(text, 0, max);
  if (!number) return wrong(text, fmt::format("use a whole number from 0 to {}", max));
  into = static_cast<std::uint32_t>(*number);
  return {};
}

// The highest means "leave it" to chown(2).
constexpr std::uint32_t owner_id_max = 4'294'967'294;

Outcome apply_buckets_max(ServeOptions& options, Texts texts) {
  return apply_number(options.buckets_max, texts[0], 1'000'000);
}
Outcome apply_uploads_age(ServeOptions& options, Texts texts) {
  return apply_number(options.uploads_age_max_days, texts[0], 36'500);
}
Outcome apply_anonymous_uid(ServeOptions& options, Texts texts) {
  return apply_number(options.anonymous_uid, texts[0], owner_id_max);
}
Outcome apply_anonymous_gid(ServeOptions& options, Texts texts) {
  return apply_number(options.anonymous_gid, texts[0], owner_id_max);
}
Outcome apply_admin_clear_text(ServeOptions& options, Texts texts) {
  return choose(options.admin_clear_text, texts[0], {{"yes", true}, {"no", false}},
                "use yes or no");
}

Outcome apply_data(ServeOptions& options, Texts texts) {
  return apply_path(options.data, texts[0]);
}
Outcome apply_metrics_token_file(ServeOptions& options, Texts texts) {
  return apply_path(options.metrics_token_file, texts[0]);
}
Outcome apply_config_fs(ServeOptions& options, Texts texts) {
  return apply_path(options.config_fs, texts[0]);
}
Outcome apply_name(ServeOptions& options, Texts texts) {
  if (texts[0].empty()) return wrong(texts[0], "give a name");
  options.name = texts[0];
  return {};
}
Outcome apply_tls_cert(ServeOptions& options, Texts texts) {
  return apply_path(options.tls_cert, texts[0]);
}
Outcome apply_tls_key(ServeOptions& options, Texts texts) {
  return apply_path(options.tls_key, texts[0]);
}
Outcome apply_log(ServeOptions& options, Texts texts) {
  return apply_path(options.log, texts[0]);
}
Outcome apply_access_log(ServeOptions& options, Texts texts) {
  return apply_path(options.access_log, texts[0]);
}

constexpr SettingSpec specs[] = {
    {"data", "DIR", false,
     "Where objects lie: each directory in it is a bucket, each file an object. "
     "`serve` makes it if it isn't there.",
     "", apply_data},
    {"config_fs", "DIR", false,
     "Serve as a container of the cluster whose configuration filesystem is mounted at DIR. What "
     "the cluster's configuration has (data, domains, region, durability, ports) comes from there.",
     "standalone", apply_config_fs},
    {"name", "NAME", false, "The container's name in its cluster.", "the host's", apply_name},
    {"listen", "ADDR:PORT", true,
     "Where S3 is served: 10.0.0.1:9000, [::1]:9000, *:9000 (every interface, IPv4 and IPv6) or a "
     "port alone. 0.0.0.0 is IPv4 only, [::] is IPv6 only.",
     "*:9000", apply_listen},
    {"health", "ADDR:PORT", false, "Where probes and metrics are served.", "*:9001", apply_health},
    {"agent", "ADDR:PORT", false, "Where HAProxy's agent checks are answered.", "nowhere",
     apply_agent},
    {"metrics_token_file", "FILE", false,
     "The file, mode 0600, with the token that /metrics wants: Authorization: Bearer TOKEN.",
     "/metrics is open", apply_metrics_token_file},
    {"capacity_threshold", "FRACTION", false,
     "Not ready while the load score is above it: 0.01 to 1.", "1: never",
     apply_capacity_threshold},
    {"requests_max", "N", false, "Active requests that count as a full load in the score.",
     "what the shards admit", apply_requests_max},
    {"memory_max", "SIZE", false,
     "Resident memory that counts as a full load in the score: 512M, 16G.",
     "of the cgroup or the machine", apply_memory_max},
    {"tls_cert", "FILE", false,
     "Speak TLS on all ports, with the certificate in FILE (PEM; those between it and the root "
     "behind it). Files that change are read again, and so they are on SIGHUP.",
     "clear text", apply_tls_cert},
    {"tls_key", "FILE", false, "The private key of that certificate (PEM, no pass phrase).", "",
     apply_tls_key},
    {"cores", "LIST", false,
     "Processors to run on, one shard each, by their numbers (not a count): 0-3,6.",
     "all that the process may use, within its CPU quota", apply_cores},
    {"durability", "MODE", false,
     "What a success means. strict: data, metadata and name are on stable storage. data: the name "
     "may be lost in a power cut. none: everything may.",
     "strict", apply_durability},
    {"domain", "NAME", true, "Serve bucket.NAME as the bucket's own host (virtual-host style).",
     "path style only", apply_domains},
    {"region", "NAME", false, "The region that signatures must name.", "us-east-1", apply_region},
    {"anonymous", "ACCESS", false,
     "What requests without a signature may do: none (they are refused).", "none", apply_anonymous},
    {"anonymous_posix_uid", "N", false, "Owner of what is written without a signature.",
     "65534 (nobody)", apply_anonymous_uid},
    {"anonymous_posix_gid", "N", false, "And its group.", "65534 (nogroup)", apply_anonymous_gid},
    {"max_buckets", "N", false, "How many buckets can be made; 0: no limit.", "10000",
     apply_buckets_max},
    {"uploads_age_max", "DAYS", false,
     "Multipart uploads that nobody has completed or aborted are removed so many days after they "
     "were created; 0: never.",
     "0", apply_uploads_age},
    {"proxy_protocol", "CIDR", true,
     "Networks of trusted load balancers: connections from there must begin with a PROXY "
     "header, version 1 or 2.",
     "none", apply_networks},
    {"drain_notice", "SECONDS", false,
     "How long a server that was told to stop goes on as before, so that load balancers hear that "
     "it is not ready: twice their check interval.",
     "0; in a cluster 5, at most a fifth of drain_deadline", apply_drain_notice},
    {"drain_deadline", "SECONDS", false,
     "How long a stopping server takes at most, the notice included; requests under way end by "
     "then.",
     "25", apply_drain_deadline},
    {"admin_clear_text", "YES|NO", false,
     "Whether a cluster's REST interface takes requests without TLS from other hosts, too.", "no",
     apply_admin_clear_text},
    {"log_level", "LEVEL", false, "The least that is logged: debug, info, warning or error.",
     "info", apply_log_level},
    {"log", "FILE", false, "Where the log goes.", "standard error", apply_log},
    {"access_log", "FILE", false, "Where one line for each request goes.", "not written",
     apply_access_log},
};

}  // namespace

std::string_view durability_name(Durability durability) {
  switch (durability) {
    case Durability::strict: return "strict";
    case Durability::data: return "data";
    case Durability::none: return "none";
  }
  return "unknown";
}

std::span<const SettingSpec> setting_specs() {
  return specs;
}

const SettingSpec* find_setting(std::string_view key) {
  for (const SettingSpec& spec : specs) {
    if (spec.key == key) return &spec;
  }
  return nullptr;
}

std::string flag_name(std::string_view key) {
  std::string name = "--";
  for (const char byte : key) name += byte == '_' ? '-' : byte;
  return name;
}

std::string environment_name(std::string_view key) {
  std::string name = "MILLRACE_";
  for (const char byte : key) {
    name += byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
  }
  return name;
}

}  // namespace millrace::tools
