// See options.h. Defaults stand in Settings; CLI11's exceptions end here.
#include "bench/load/options.h"

#include "bench/load/limits.h"
#include "bench/load/settings_json.h"
#include "tools/cores.h"
#include "tools/setting_values.h"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdlib>

namespace millrace::bench {
namespace {

constexpr const char* footer = R"(
An agent of a coordinator:  millrace-bench agent --listen ADDR:PORT [--token TOKEN]

Sizes: 4KiB, 1MiB. Times: 500ms, 10s, 2m. Exit status: 0 done, 1 more errors than --errors-max or no
run, 2 wrong usage.

Examples:
  millrace-bench --endpoint http://127.0.0.1:9000 --mix get=80,put=20 --duration 30s
  millrace-bench --endpoint http://10.0.0.1:9000,http://10.0.0.2:9000 --auth presigned --json -
  millrace-bench --endpoint http://127.0.0.1:9000 --rate 5000 --arrival poisson --verify
)";

// What came as text and is read once all of it is there.
struct Texts {
  std::string endpoint;
  std::string mix = "get";
  std::string size = "4KiB";
  std::string range_bytes = "1KiB";
  std::string part_bytes = "8MiB";
  std::string auth = "header";
  std::string arrival = "constant";
  std::string warmup = "1s";
  std::string duration;
  std::string timeout = "30s";
  std::string cores;
  std::string hosts;
  std::string listen = "127.0.0.1:7761";
  std::string config;
};

void add_target(CLI::App& app, CommandLine& line, Texts& texts) {
  Settings& s = line.settings;
  const auto add = [&](const char* name, auto& into, const char* what) {
    return app.add_option(name, into, what)->group("Target");
  };
  add("--endpoint", texts.endpoint, "http://HOST:PORT, several with commas between");
  add("--bucket", s.bucket, "made where it is missing")->capture_default_str();
  add("--access-key", s.identity.access_key, "")->envname("AWS_ACCESS_KEY_ID");
  add("--secret-key", s.identity.secret_key, "")->envname("AWS_SECRET_ACCESS_KEY");
  add("--region", s.identity.region, "")->capture_default_str();
  add("--auth", texts.auth, "header, presigned (before the clock starts), none")
      ->capture_default_str();
  app.add_flag("--sign-payload", s.sign_payload, "header: sign each body's SHA-256")
      ->group("Target");
}

void add_work(CLI::App& app, CommandLine& line, Texts& texts) {
  Settings& s = line.settings;
  const auto add = [&](const char* name, auto& into, const char* what) {
    app.add_option(name, into, what)->capture_default_str()->group("Work");
  };
  add("--mix", texts.mix, "weights of get, put, head, delete, list, multipart, range");
  add("--size", texts.size, "SIZE, uniform:LEAST-MOST, lognormal:MEDIAN:SIGMA[:MAX]");
  add("--range-bytes", texts.range_bytes, "of a range");
  add("--part-bytes", texts.part_bytes, "of a multipart upload's part");
  add("--list-page", s.list_page, "keys of a page");
  add("--objects", s.objects, "how many are read and overwritten");
  add("--prefix", s.prefix, "of their keys");
  add("--folders", s.folders, "that the keys are spread over");
  add("--seed", s.seed, "same seed, same operations, keys, sizes");
  const auto flag = [&](const char* name, bool& into, const char* what) {
    app.add_flag(name, into, what)->group("Work");
  };
  flag("--prepare,!--no-prepare", s.prepare, "put the objects first (default), or not");
  flag("--cleanup", s.cleanup, "delete them at the end");
  flag("--verify", s.verify, "check every byte that is read");
}

void add_load(CLI::App& app, CommandLine& line, Texts& texts) {
  Settings& s = line.settings;
  const auto add = [&](const char* name, auto& into, const char* what) {
    return app.add_option(name, into, what)->group("Load");
  };
  add("--connections", s.connections, "in all, spread over the endpoints")->capture_default_str();
  add("--threads", s.threads, "of each host")->capture_default_str();
  add("--cores", texts.cores, "pins the threads (1,2)");
  add("--rate", s.rate, "operations a second in all: an open loop (default: closed)");
  add("--arrival", texts.arrival, "of an open loop: constant or poisson")->capture_default_str();
  add("--warmup", texts.warmup, "before anything counts")->capture_default_str();
  add("--duration", texts.duration, "of the window [10s; none with --requests]");
  add("--requests", s.requests, "operations that end the window");
  add("--timeout", texts.timeout, "without progress of a request")->capture_default_str();
  add("--errors-max", s.errors_max, "more make the exit status 1")->capture_default_str();
}

void add_output(CLI::App& app, CommandLine& line, Texts& texts) {
  const auto add = [&](const char* name, auto& into, const char* what) {
    return app.add_option(name, into, what)->group("Output and hosts");
  };
  add("--json", line.json, "all results, to a file or - for standard output");
  add("--csv", line.csv, "the series by seconds, likewise");
  app.add_flag("--quiet", line.quiet, "no line each second on a terminal")
      ->group("Output and hosts");
  add("--hosts", texts.hosts, "agents that do the work: HOST:PORT,HOST:PORT");
  add("--token", line.token, "that agents and coordinator share")->envname("MILLRACE_BENCH_TOKEN");
}

Parsed<HostAddress> parse_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto refused = [&] {
    return std::unexpected(fmt::format("\"{}\" is not HOST:PORT", text));
  };
  if (colon == text.npos || colon == 0) return refused();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || !tools::parse_whole_number(port, 1, 65535)) return refused();
  return HostAddress{std::string(host), std::string(port)};
}

// Sets `into` from a parsed value; or says which option was wrong.
template <class T, class U>
bool put(const Parsed<T>& parsed, U& into, const char* option, std::string& error) {
  if (!parsed) {
    error = fmt::format("{}: {}", option, parsed.error());
    return false;
  }
  into = *parsed;
  return true;
}

Parsed<std::uint64_t> bytes(const std::string& text, std::uint64_t most) {
  const auto size = tools::parse_size(text, 1, most);
  if (!size) return std::unexpected(fmt::format("\"{}\" is not a size (4KiB)", text));
  return *size;
}

Parsed<void> apply_hosts(CommandLine& line, const Texts& texts) {
  std::string_view rest = texts.hosts;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    auto host = parse_host(rest.substr(0, comma));
    if (!host) return std::unexpected("--hosts: " + host.error());
    line.hosts.push_back(std::move(*host));
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (line.hosts.size() > limits::hosts_max) {
    return std::unexpected(fmt::format("--hosts: more than {}", limits::hosts_max));
  }
  if (!line.hosts.empty()) line.settings.hosts = static_cast<unsigned>(line.hosts.size());
  return {};
}

Parsed<void> apply(CommandLine& line, const Texts& texts) {
  Settings& s = line.settings;
  std::string error;
  if (texts.endpoint.empty()) return std::unexpected("--endpoint is missing");
  const bool good =
      put(parse_endpoints(texts.endpoint), s.endpoints, "--endpoint", error) &&
      put(parse_mix(texts.mix), s.mix, "--mix", error) &&
      put(parse_size_rule(texts.size), s.size, "--size", error) &&
      put(bytes(texts.range_bytes, limits::object_bytes_max), s.range_bytes, "--range-bytes",
          error) &&
      put(bytes(texts.part_bytes, limits::part_bytes_max), s.part_bytes, "--part-bytes", error) &&
      put(parse_auth(texts.auth), s.auth, "--auth", error) &&
      put(parse_arrival(texts.arrival), s.arrival, "--arrival", error) &&
      put(parse_duration_ms(texts.warmup), s.warmup_ms, "--warmup", error) &&
      put(parse_duration_ms(texts.timeout), s.timeout_ms, "--timeout", error);
  if (!good) return std::unexpected(error);
  s.duration_ms = s.requests > 0 ? 0 : s.duration_ms;
  if (!texts.duration.empty() &&
      !put(parse_duration_ms(texts.duration), s.duration_ms, "--duration", error)) {
    return std::unexpected(error);
  }
  if (!texts.cores.empty() &&
      !put(tools::parse_core_list(texts.cores), s.cores, "--cores", error)) {
    return std::unexpected(error);
  }
  if (const auto applied = apply_hosts(line, texts); !applied) return applied;
  return check_settings(s, line.hosts.empty());
}

std::expected<CommandLine, std::string> interpret(CLI::App& app, const CLI::App* agent, bool help,
                                                  bool version, CommandLine line,
                                                  const Texts& texts) {
  if (help) {
    line.verb = Verb::help;
    line.help = app.help();
    return line;
  }
  if (version) {
    line.verb = Verb::version;
    return line;
  }
  if (agent->parsed()) {
    line.verb = Verb::agent;
    auto address = parse_host(texts.listen);
    if (!address) return std::unexpected("--listen: " + address.error());
    line.listen = std::move(*address);
    return line;
  }
  if (const auto applied = apply(line, texts); !applied) return std::unexpected(applied.error());
  return line;
}

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(int count,
                                                           const char* const* arguments) {
  CommandLine line;
  Texts texts;
  bool help = false;
  bool version = false;
  CLI::App app("millrace-bench: puts load on S3 servers and measures it", "millrace-bench");
  app.set_help_flag();
  app.add_flag("-h,--help", help)->group("");
  app.add_flag("--version", version)->group("");
  app.footer(footer);
  app.get_formatter()->column_width(24);
  add_target(app, line, texts);
  add_work(app, line, texts);
  add_load(app, line, texts);
  add_output(app, line, texts);
  CLI::App* const agent = app.add_subcommand("agent", "")->group("");
  agent->set_help_flag();
  agent->add_flag("-h,--help", help);
  agent->add_option("--listen", texts.listen);
  agent->add_option("--access-key", line.settings.identity.access_key)
      ->envname("AWS_ACCESS_KEY_ID");
  agent->add_option("--secret-key", line.settings.identity.secret_key)
      ->envname("AWS_SECRET_ACCESS_KEY");
  agent->add_option("--token", line.token)->envname("MILLRACE_BENCH_TOKEN");
  try {
    app.parse(count, arguments);
    return interpret(app, agent, help, version, std::move(line), texts);
  } catch (const CLI::Error& error) {
    return std::unexpected(std::string(error.what()));
  }
}

}  // namespace millrace::bench
