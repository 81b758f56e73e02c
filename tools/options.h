// What `millrace serve` and `millrace check` are told: by flags, else by environment variables,
// else by the configuration file, else by default. Main thread, at start.
// Invariant: a ServeOptions that parsing returned is valid as far as one can tell without looking
// at the machine.
#pragma once

#include "engine/log.h"
#include "tools/addresses.h"
#include "tools/refusal.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

enum class Durability : std::uint8_t {
  strict,  // file, attribute and names are on stable storage before the answer
  data,    // file and attribute are, the directory isn't
  none,    // nothing is synced
};
std::string_view durability_name(Durability durability);

// What requests without a signature may do.
enum class AnonymousAccess : std::uint8_t { none };

struct ServeOptions {
  std::string data;           // a path; empty only for a container of a cluster
  std::string config_fs;      // the cluster's configuration filesystem; empty: standalone
  std::string name;           // of a container; empty: the host's
  bool listen_given = false;  // else a container listens on its cluster's ports
  bool health_given = false;
  std::string config;                  // the configuration file that was read, or empty
  std::vector<ListenAddress> listen;   // never empty, no two overlap
  ListenAddress health;                // overlaps none of `listen`
  std::optional<ListenAddress> agent;  // HAProxy's agent check; overlaps none of the others
  std::string metrics_token_file;      // empty: /metrics wants no token
  double capacity_threshold = 1.0;     // of the score; 1: always ready
  std::uint64_t requests_max = 0;      // what the score divides by; 0: what the shards admit
  std::uint64_t memory_max_bytes = 0;  // the same; 0: of the cgroup or the machine
  std::vector<unsigned> processors;    // empty: all that the process may use (choose_cores)
  Durability durability = Durability::strict;
  std::vector<std::string> domains;  // lower case, without port or outer dots
  std::string region = "us-east-1";
  engine::LogLevel log_level = engine::LogLevel::info;
  std::string log;                      // empty: standard error
  std::string access_log;               // empty: none is written
  std::string tls_cert;                 // a path; empty: no listener speaks TLS
  std::string tls_key;                  // given with it, and only so
  std::vector<Network> proxy_networks;  // connections from there must begin with PROXY v1 or v2
  // See drain.h. The deadline is below the 30 s that Kubernetes grants, and above the notice.
  std::optional<std::chrono::seconds> drain_notice;  // none: by whether it is in a cluster
  std::chrono::seconds drain_deadline{25};
  AnonymousAccess anonymous = AnonymousAccess::none;
  std::uint32_t buckets_max = 10'000;      // 0: no limit
  std::uint32_t uploads_age_max_days = 0;  // of uploads that nobody ends; 0: they stay
  std::uint32_t anonymous_uid = 65534;     // of what is written without a signature
  std::uint32_t anonymous_gid = 65534;
  bool admin_clear_text = false;  // the cluster's REST interface without TLS from other hosts, too
};

// One thing that can be set. The flag is "--" and the key with '-' for '_'; the environment
// variable is "MILLRACE_" and the key in upper case.
struct SettingSpec {
  std::string_view key;
  std::string_view value_name;  // as help shows it: "ADDR:PORT"
  bool repeated;                // several values: flag again, array in the file, or commas
  std::string_view help;        // one sentence or two; lines are broken by the help page
  std::string_view fallback;    // the default in words, or empty
  // Takes the values (one, unless repeated) or says what is wrong and what is allowed.
  std::expected<void, std::string> (*apply)(ServeOptions&, std::span<const std::string>);
};
std::span<const SettingSpec> setting_specs();
// Null for a key that doesn't exist.
const SettingSpec* find_setting(std::string_view key);
std::string flag_name(std::string_view key);
std::string environment_name(std::string_view key);
// "; did you mean X?" for the nearest of the known names, or an empty text.
std::string nearest_name(std::string_view unknown, std::span<const std::string> known);

// Values as one source gave them, by key.
struct SettingValue {
  std::string origin;  // "--cores", "MILLRACE_CORES" or "/etc/millrace.toml:3: cores"
  std::vector<std::string> values;
};
using Settings = std::map<std::string, SettingValue, std::less<>>;

// Reads the file; refuses keys that don't exist and values that are neither text nor number.
Allowed<Settings> settings_from_file(const std::string& path);
// `environment` ends with a null pointer. Empty variables count as unset; variables that name no
// setting are left alone, since Kubernetes makes some (MILLRACE_SERVICE_HOST) on its own.
Settings settings_from_environment(const char* const* environment);
// Refuses listeners that overlap.
Allowed<> check_listeners(const ServeOptions& options);
// Each key from the first of the sources that has it.
Allowed<ServeOptions> make_options(std::span<const Settings* const> sources);

// `millrace cluster` has a command line of its own (cluster/command.h).
enum class Verb : std::uint8_t { help, version, serve, check };
struct CommandLine {
  Verb verb = Verb::help;
  std::string help;      // the page to print when the verb is help
  ServeOptions options;  // for serve and check
};
// A refusal here is an error of usage (exit 2).
Allowed<CommandLine> parse_command_line(int count, const char* const* arguments,
                                        const char* const* environment);

// The pages of `millrace --help`, `millrace serve --help`, ...; Verb::help is the first.
std::string help_page(Verb verb);

}  // namespace millrace::tools
