// See coordinator.h.
#include "bench/load/coordinator.h"

#include "bench/load/json_fields.h"
#include "bench/load/limits.h"
#include "bench/load/report.h"
#include "bench/load/settings_json.h"

#include <fmt/format.h>

namespace millrace::bench {

using nlohmann::ordered_json;

namespace {

// Hosts begin this long after they were told: longer than the telling takes and connections need.
constexpr std::uint64_t start_delay_ms = 500;
constexpr std::uint64_t prepare_ms_max = 24ULL * 3600 * 1000;
constexpr std::uint64_t answer_ms = 60'000;

}  // namespace

std::expected<void, std::string> Coordinator::send(Host& host, const ordered_json& request) {
  if (const auto sent = host.channel.send(request.dump()); !sent) {
    return std::unexpected(fmt::format("{}: {}", host.name, sent.error()));
  }
  return {};
}

std::expected<ordered_json, std::string> Coordinator::receive(Host& host,
                                                              std::uint64_t timeout_ms) {
  const auto text = host.channel.receive(timeout_ms);
  if (!text) return std::unexpected(fmt::format("{}: {}", host.name, text.error()));
  ordered_json answer = ordered_json::parse(*text, nullptr, false);
  if (const std::string error = text_field(answer, "error"); !error.empty()) {
    return std::unexpected(fmt::format("{}: {}", host.name, error));
  }
  return answer;
}

std::expected<void, std::string> Coordinator::connect(const CommandLine& line) {
  for (const HostAddress& address : line.hosts) {
    const std::string name = address.host + ":" + address.port;
    auto channel = Channel::connect(address.host, address.port, line.token);
    if (!channel) return std::unexpected(fmt::format("{}: {}", name, channel.error()));
    hosts_.push_back({name, std::move(*channel)});
  }
  return {};
}

std::expected<void, std::string> Coordinator::prepare(const Settings& settings) {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const auto sent = send(hosts_[i], {{"do", "prepare"},
                                       {"settings", settings_json(settings)},
                                       {"host", i},
                                       {"hosts", hosts_.size()}});
    if (!sent) return sent;
  }
  for (Host& host : hosts_) {
    if (const auto answer = receive(host, prepare_ms_max); !answer) {
      return std::unexpected(answer.error());
    }
  }
  return {};
}

std::expected<Results, std::string> Coordinator::run(const Settings& settings) {
  const std::uint64_t delay_ms = start_delay_ms + settings.connections / 10;
  for (Host& host : hosts_) {
    if (const auto sent = send(host, {{"do", "run"}, {"delay_ms", delay_ms}}); !sent) {
      return std::unexpected(sent.error());
    }
  }
  const std::uint64_t wait_ms =
      settings.duration_ms == 0
          ? limits::duration_ms_max
          : delay_ms + settings.warmup_ms + settings.duration_ms + settings.timeout_ms + answer_ms;
  Results results;
  for (Host& host : hosts_) {
    const auto answer = receive(host, wait_ms);
    if (!answer) return std::unexpected(answer.error());
    results.merge(results_from_json(field(*answer, "results")));
  }
  return results;
}

std::expected<void, std::string> Coordinator::clean_up() {
  for (Host& host : hosts_) {
    if (const auto sent = send(host, {{"do", "clean"}}); !sent) return sent;
  }
  for (Host& host : hosts_) {
    if (const auto answer = receive(host, prepare_ms_max); !answer) {
      return std::unexpected(answer.error());
    }
  }
  return {};
}

}  // namespace millrace::bench
