// Goes through everything that serve goes through before it starts, without changing anything.
// Main thread.
#include "tools/check_command.h"

#include "s3/store/abilities.h"
#include "tools/check_report.h"
#include "tools/cores.h"
#include "tools/credentials_file.h"
#include "tools/data_directory.h"
#include "tools/filesystem_check.h"
#include "tools/kernel_check.h"
#include "tools/metrics_token.h"
#include "tools/ports.h"
#include "tools/tls_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace millrace::tools {
namespace {

using Verdict = CheckRow::Verdict;

std::string credentials_row_text(const std::optional<Credentials>& credentials) {
  if (!credentials.has_value()) return "none yet";
  return credentials->source == Credentials::Source::file ? "file" : "environment";
}

void check_credentials(const DataState& state, const std::string& path,
                       const char* const* environment, CheckReport& report) {
  const int system_fd = state.system ? state.system.get() : -1;
  const auto credentials =
      find_credentials(system_fd, path + "/" + system_directory_name, environment);
  if (!credentials.has_value()) {
    report.add("credentials", Verdict::no, "", credentials.error().why);
    report.add_refusal(credentials.error());
    return;
  }
  report.add("credentials", Verdict::ok, credentials_row_text(*credentials),
             credentials->has_value() ? "the root credentials" : "serve will generate them");
}

// The directory and, when it can be reached, the filesystem below it.
CheckReport check_data(const ServeOptions& options, const char* const* environment) {
  CheckReport report;
  auto state = examine_data_directory(options.data);
  if (!state.has_value()) {
    report.add("data directory", Verdict::no, "", state.error().why);
    report.add_refusal(state.error());
    return report;
  }
  const char* found = state->kind == DataState::Kind::absent  ? "not there"
                      : state->kind == DataState::Kind::empty ? "not used yet"
                                                              : "in use";
  report.add("data directory", Verdict::ok,
             state->kind == DataState::Kind::formatted
                 ? fmt::format("layout {}", state->format.layout)
                 : found,
             state->kind == DataState::Kind::formatted ? "id " + state->format.id
                                                       : "serve will make what is missing");
  check_credentials(*state, options.data, environment, report);
  // In .millrace the name needs no dot; elsewhere the dot keeps it from being a bucket's name.
  const std::string scratch =
      fmt::format("{}probe-{}", state->system ? "" : ".millrace-", ::getpid());
  auto abilities = s3::store::probe_abilities(state->probe_fd.get(), scratch.c_str());
  if (!abilities.has_value()) {
    report.add("filesystem", Verdict::no, "", engine::describe(abilities.error()));
    report.add_refusal(
        {options.data,
         fmt::format("a file can't be written there: {}", engine::describe(abilities.error())),
         "make room, or mount the filesystem writable"});
    return report;
  }
  if (state->kind == DataState::Kind::formatted) {
    const auto fits = apply_format(state->format, options.data, *abilities);
    if (!fits.has_value()) report.add_refusal(fits.error());
    const auto own = check_standalone(state->format, options.data);
    if (!own.has_value()) report.add_refusal(own.error());
  }
  CheckReport filesystem = check_filesystem(options.data, *abilities, options.durability);
  report.rows.insert(report.rows.end(), filesystem.rows.begin(), filesystem.rows.end());
  if (filesystem.refusal.has_value()) report.add_refusal(*filesystem.refusal);
  report.add("durability", Verdict::ok, std::string(durability_name(options.durability)),
             durability_promise(options.durability, *abilities));
  return report;
}

void check_port(const ListenAddress& address, const std::string& setting, CheckReport& report) {
  const auto free = check_port_free(address, setting);
  if (!free.has_value()) report.add_refusal(free.error());
  report.add(setting, free.has_value() ? Verdict::ok : Verdict::no, address.text(),
             free.has_value() ? "free" : free.error().why);
}

CheckReport check_machine(const ServeOptions& options) {
  CheckReport report = check_kernel();
  const auto cores = choose_cores(options.processors, affinity_processors(), cgroup_cpu_quota(""));
  if (cores.has_value()) {
    report.add("cores", Verdict::ok, core_list_text(cores->processors), cores->reason);
  } else {
    report.add("cores", Verdict::no, "", cores.error().why);
    report.add_refusal(cores.error());
  }
  if (!options.tls_cert.empty()) {
    const auto pair = load_tls({options.tls_cert, options.tls_key});
    if (!pair.has_value()) report.add_refusal(pair.error());
    report.add("TLS", pair.has_value() ? Verdict::ok : Verdict::no, options.tls_cert,
               pair.has_value() ? pair->context.subject() : pair.error().why);
  }
  for (const ListenAddress& address : options.listen) check_port(address, "listen", report);
  check_port(options.health, "health", report);
  if (options.agent) check_port(*options.agent, "agent", report);
  if (const auto token = load_metrics_token(options.metrics_token_file); !token) {
    report.add("metrics token", Verdict::no, "", token.error().why);
    report.add_refusal(token.error());
  }
  return report;
}

}  // namespace

int check(const ServeOptions& options, const char* const* environment) {
  const CheckReport machine = check_machine(options);
  const CheckReport data = check_data(options, environment);
  const auto& refusal = machine.refusal.has_value() ? machine.refusal : data.refusal;
  std::string text = fmt::format("millrace {}\n\nThis machine\n{}\n{}\n{}\n", MILLRACE_VERSION,
                                 table_text(machine.rows), options.data, table_text(data.rows));
  constexpr std::string_view prefix = "millrace: ";
  text += refusal.has_value() ? "serve would refuse: " + refusal->line().substr(prefix.size())
                              : "serve would start";
  std::puts(text.c_str());
  return refusal.has_value() ? 1 : 0;
}

}  // namespace millrace::tools
