// See agent.h. A coordinator that goes away ends its run.
#include "bench/load/agent.h"

#include "bench/load/channel.h"
#include "bench/load/json_fields.h"
#include "bench/load/report.h"
#include "bench/load/session.h"
#include "bench/load/settings_json.h"
#include "engine/clock.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace millrace::bench {

using nlohmann::ordered_json;

namespace {

constexpr std::uint64_t idle_ms = 24ULL * 3600 * 1000;

std::expected<engine::Descriptor, std::string> listen_at(const HostAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (status != 0) return std::unexpected(std::string(::gai_strerror(status)));
  engine::Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool good = socket && ::bind(socket.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                    ::listen(socket.get(), 16) == 0;
  const int errnum = errno;
  ::freeaddrinfo(found);
  if (!good) {
    return std::unexpected(std::string(engine::describe(engine::Error::from_errno(errnum))));
  }
  return socket;
}

// Ends the run when the coordinator has gone.
class CoordinatorWatch final : public PhaseWatcher {
 public:
  CoordinatorWatch(const Channel& channel, std::atomic<bool>& gone)
      : channel_(channel), gone_(gone) {}
  void look(std::span<Worker* const>) override {
    if (channel_.ended()) gone_.store(true, std::memory_order_relaxed);
  }

 private:
  const Channel& channel_;
  std::atomic<bool>& gone_;
};

// One coordinator's requests, in turn.
class Desk {
 public:
  Desk(const CommandLine& line, Channel& channel, std::atomic<bool>& interrupted)
      : line_(line), channel_(channel), interrupted_(interrupted) {}

  ordered_json answer(const ordered_json& request) {
    const std::string verb = text_field(request, "do");
    std::expected<ordered_json, std::string> done = std::unexpected("an unknown request");
    if (verb == "prepare") done = prepare(request);
    if (verb == "run" && session_) done = run(request);
    if (verb == "clean" && session_) done = clean();
    if (done) return *done;
    return {{"error", done.error()}};
  }

 private:
  std::expected<ordered_json, std::string> prepare(const ordered_json& request) {
    session_.reset();
    settings_ = {};
    if (const auto applied = apply_settings_json(field(request, "settings"), settings_); !applied) {
      return std::unexpected(applied.error());
    }
    settings_.identity.access_key = line_.settings.identity.access_key;
    settings_.identity.secret_key = line_.settings.identity.secret_key;
    read_field(request, "host", settings_.host);
    read_field(request, "hosts", settings_.hosts);
    if (const auto checked = check_settings(settings_, true); !checked) {
      return std::unexpected(checked.error());
    }
    if (const auto resolved = resolve(settings_.endpoints); !resolved) {
      return std::unexpected(resolved.error());
    }
    session_ = std::make_unique<Session>(settings_, interrupted_);
    if (const auto prepared = session_->prepare(); !prepared) {
      return std::unexpected(prepared.error());
    }
    return ordered_json{{"prepared", true}};
  }

  std::expected<ordered_json, std::string> run(const ordered_json& request) {
    std::uint64_t delay_ms = 0;
    read_field(request, "delay_ms", delay_ms);
    CoordinatorWatch watch(channel_, interrupted_);
    const auto results = session_->run(engine::monotonic_ns() + delay_ms * 1'000'000, &watch);
    if (!results) return std::unexpected(results.error());
    return ordered_json{{"results", results_json(*results)}};
  }

  std::expected<ordered_json, std::string> clean() {
    if (const auto cleaned = session_->clean_up(); !cleaned) {
      return std::unexpected(cleaned.error());
    }
    return ordered_json{{"cleaned", true}};
  }

  const CommandLine& line_;
  Channel& channel_;
  std::atomic<bool>& interrupted_;
  Settings settings_;
  std::unique_ptr<Session> session_;
};

void serve_one(const CommandLine& line, engine::Descriptor socket) {
  auto channel = Channel::accepted(std::move(socket), line.token);
  if (!channel) {
    fmt::print(stderr, "millrace-bench: a connection was refused: {}\n", channel.error());
    return;
  }
  std::atomic<bool> gone{false};
  Desk desk(line, *channel, gone);
  bool first = true;
  while (true) {
    const auto request = channel->receive(first ? 10'000 : idle_ms);
    if (!request) {
      if (first) fmt::print(stderr, "millrace-bench: refused: {}\n", request.error());
      return;
    }
    first = false;
    const ordered_json answer = desk.answer(ordered_json::parse(*request, nullptr, false));
    if (!channel->send(answer.dump())) return;
  }
}

}  // namespace

int serve_agent(const CommandLine& line, std::atomic<bool>& interrupted) {
  auto listener = listen_at(line.listen);
  if (!listener) {
    fmt::print(stderr, "millrace-bench: --listen {}:{}: {}\n", line.listen.host, line.listen.port,
               listener.error());
    return 1;
  }
  if (line.token.empty() && !is_loopback(listener->get())) {
    fmt::print(stderr,
               "millrace-bench: --listen: beyond loopback an agent needs --token, or anybody could "
               "order load from it\n");
    return 2;
  }
  fmt::print("ready {}:{}\n", line.listen.host, line.listen.port);
  std::fflush(stdout);
  while (!interrupted.load(std::memory_order_relaxed)) {
    pollfd ready{.fd = listener->get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 1000) <= 0) continue;
    engine::Descriptor socket(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) serve_one(line, std::move(socket));
  }
  return 0;
}

}  // namespace millrace::bench
