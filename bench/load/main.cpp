// The executable millrace-bench. Exit status: 0 done, 1 too many errors or no run, 2 wrong usage.
#include "bench/load/agent.h"
#include "bench/load/coordinator.h"
#include "bench/load/options.h"
#include "bench/load/progress.h"
#include "bench/load/report.h"
#include "bench/load/session.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

namespace millrace::bench {
namespace {

std::atomic<bool> interrupted{false};

void on_signal(int) {
  interrupted.store(true, std::memory_order_relaxed);
}

void prepare_process() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends at once
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

int fail(std::string_view why, int status = 1) {
  fmt::print(stderr, "millrace-bench: {}\n", why);
  return status;
}

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

bool write_output(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  if (path == "-") {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
           std::fflush(stdout) == 0;
  }
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

int report(const CommandLine& line, const Results& results) {
  const bool to_stdout = line.json == "-" || line.csv == "-";
  fmt::print(to_stdout ? stderr : stdout, "{}", report_text(line.settings, results));
  const std::string json = report_json(line.settings, results, date_now()).dump(1) + "\n";
  if (!write_output(line.json, json) || !write_output(line.csv, report_csv(results))) {
    return fail("the results can't be written");
  }
  const std::uint64_t errors = results.total().errors + results.errors_outside;
  return errors > line.settings.errors_max || results.ending == Ending::interrupted ? 1 : 0;
}

int run_here(CommandLine& line) {
  if (const auto resolved = resolve(line.settings.endpoints); !resolved) {
    return fail(resolved.error());
  }
  Session session(line.settings, interrupted);
  if (const auto prepared = session.prepare(); !prepared) return fail(prepared.error());
  ProgressLines progress;
  const bool shows = !line.quiet && ::isatty(STDERR_FILENO) == 1;
  const auto results = session.run(soon_ns(line.settings), shows ? &progress : nullptr);
  if (!results) return fail(results.error());
  const int status = report(line, *results);
  if (line.settings.cleanup) {
    if (const auto cleaned = session.clean_up(); !cleaned) return fail(cleaned.error());
  }
  return status;
}

int run_on_hosts(const CommandLine& line) {
  Coordinator coordinator;
  if (const auto connected = coordinator.connect(line); !connected) return fail(connected.error());
  if (const auto prepared = coordinator.prepare(line.settings); !prepared) {
    return fail(prepared.error());
  }
  const auto results = coordinator.run(line.settings);
  if (!results) return fail(results.error());
  const int status = report(line, *results);
  if (line.settings.cleanup) {
    if (const auto cleaned = coordinator.clean_up(); !cleaned) return fail(cleaned.error());
  }
  return status;
}

}  // namespace
}  // namespace millrace::bench

int main(int count, char** arguments) {
  using namespace millrace::bench;
  auto line = parse_command_line(count, arguments);
  if (!line) return fail(line.error(), 2);
  prepare_process();
  switch (line->verb) {
    case Verb::help: std::fputs(line->help.c_str(), stdout); return 0;
    case Verb::version: std::puts("millrace-bench " MILLRACE_VERSION); return 0;
    case Verb::agent: return serve_agent(*line, interrupted);
    case Verb::run: break;
  }
  return line->hosts.empty() ? run_here(*line) : run_on_hosts(*line);
}
