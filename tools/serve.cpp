// `millrace serve`, from top to bottom: look, refuse or start, wait for a signal, drain, end.
#include "tools/serve.h"

#include "engine/clock.h"
#include "health/cluster/member.h"
#include "health/endpoints.h"
#include "health/service.h"
#include "s3/limits.h"
#include "tools/banner.h"
#include "tools/cluster/destruction.h"
#include "tools/cluster/join.h"
#include "tools/cluster/rest.h"
#include "tools/cores.h"
#include "tools/drain.h"
#include "tools/frontends.h"
#include "tools/notify.h"
#include "tools/serve_parts.h"
#include "tools/signals.h"
#include "tools/site.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <semaphore>
#include <thread>

namespace millrace::tools {

namespace cluster = health::cluster;

namespace {

class Server {
 public:
  Server(const ServeOptions& options, const Signals& signals, Site site,
         std::optional<cluster::Joined> joined)
      : options_(options),
        signals_(signals),
        site_(std::move(site)),
        joined_(std::move(joined)),
        logger_(options.log, options.log_level),
        pages_(site_.cores.processors.size()),
        domains_(options.domains.begin(), options.domains.end()),
        principals_({{.access_key = site_.credentials.access_key,
                      .secret_key = site_.credentials.secret_key,
                      .name = "root",
                      .uid = {},
                      .gid = {},
                      .root = true,
                      .session_token = {}}}),
        operations_(operation_names()) {
    if (site_.tls) tls_.emplace(std::move(site_.tls->context));
    if (!options.access_log.empty()) {
      access_logger_.emplace(options.access_log, engine::LogLevel::info);
    }
  }

  // The exit status; nothing: to be started again, by what the cluster says now.
  std::optional<int> run();
  // Of the process, where it ends now. Not 0 where nobody wanted it to end for good: a restart that
  // hangs, a data directory whose lock was lost.
  int status() const {
    const bool wanted = asked_to_stop_ || departure_ == cluster::Departure::removed ||
                        departure_ == cluster::Departure::destroyed;
    return wanted ? 0 : 1;
  }
  // After the end: the cluster was destroyed, and this may have been its last container.
  bool cluster_destroyed() const { return departure_ == cluster::Departure::destroyed; }

 private:
  Allowed<> start();
  Allowed<> start_health();
  Allowed<> start_frontends();
  void watch_tls();
  void start_membership();
  void announce();
  void wait();
  bool take_signal(int signal);
  void wait_until(std::chrono::steady_clock::time_point until);
  void drain();
  void end();

  const ServeOptions& options_;
  const Signals& signals_;
  Site site_;
  std::optional<cluster::Joined> joined_;  // until the member has it
  const bool clustered_ = joined_.has_value();
  engine::Descriptor name_lock_;
  bool asked_to_stop_ = false;
  // Why this container has to end, once it has; the member's thread says so.
  std::atomic<cluster::Departure> departure_{cluster::Departure::stays};
  engine::Logger logger_;
  std::optional<engine::Logger> access_logger_;
  std::vector<engine::StatusPage> pages_;
  const std::vector<std::string_view> domains_;
  const s3::CredentialTable principals_;
  const std::vector<std::string_view> operations_;
  std::atomic<bool> suspect_{false};
  std::optional<engine::TlsIdentity> tls_;
  std::unique_ptr<TlsWatch> tls_watch_;
  health::View view_;
  cluster::Figures figures_;
  std::unique_ptr<Rest> rest_;
  std::unique_ptr<health::Service> health_;
  std::unique_ptr<cluster::Member> member_;
  std::unique_ptr<Frontends> frontends_;
};

// The S3 port answers health checks from the view that the health shard publishes.
engine::Task<> serve_side_door(void* context, http::Exchange& exchange) {
  co_await health::serve_health(exchange, *static_cast<const health::View*>(context));
}

Allowed<> Server::start_health() {
  health::Door administration;
  if (clustered_) {
    rest_ = std::make_unique<Rest>(RestOptions{.config_fs = options_.config_fs,
                                               .writer = joined_->name,
                                               .credentials = principals_.source(),
                                               .clear_text = options_.admin_clear_text});
    administration = {.owns = &Rest::owns, .serve = &Rest::serve, .context = rest_.get()};
  }
  auto started = health::Service::start(
      {.listen = sockets_of(std::span(&options_.health, 1)),
       .agent_listen = options_.agent ? sockets_of(std::span(&*options_.agent, 1))
                                      : std::vector<sockaddr_storage>{},
       .tls = tls_ ? &*tls_ : nullptr,
       .processor = spare_processor(site_.cores),
       .logger = &logger_,
       .view = &view_,
       .frontends = pages_,
       .filesystems = {{.directory = site_.data->path(), .name = joined_ ? joined_->name : ""}},
       .policy = {.capacity_threshold = options_.capacity_threshold},
       .requests_active_max = options_.requests_max != 0
                                  ? options_.requests_max
                                  : s3::limits::requests_active_max * pages_.size(),
       .memory_max_bytes = options_.memory_max_bytes,
       .operations = operations_,
       .version = MILLRACE_VERSION,
       .durability = durability_name(options_.durability),
       .cluster = clustered_ ? &figures_ : nullptr,
       .administration = administration,
       .sync_failed = &suspect_,
       .metrics_token = site_.metrics_token});
  if (!started)
    return refuse_errno("health", started.error().sys, "choose another --health or --agent");
  health_ = std::move(*started);
  return {};
}

Allowed<> Server::start_frontends() {
  FrontendOptions frontend{
      .listen = sockets_of(options_.listen),
      .processors = site_.cores.processors,
      .pinned = site_.cores.pinned,
      .logger = &logger_,
      .access_logger = access_logger_ ? &*access_logger_ : nullptr,
      .pages = pages_,
      .shared_locks_fd = clustered_ ? site_.data->key_locks_fd() : -1,
      .proxies = {},
      .tls = tls_ ? &*tls_ : nullptr,
      .uploads_age_max_days = options_.uploads_age_max_days,
      .service = {.region = options_.region,
                  .domains = domains_,
                  .credentials = principals_.source(),
                  .default_owner = {},
                  .anonymous_owner = {.uid = options_.anonymous_uid, .gid = options_.anonymous_gid},
                  .buckets_max = options_.buckets_max,
                  .objects_kept_max = objects_kept_max(pages_.size()),
                  .side_door = {.owns = &health::is_s3_port_health_path,
                                .reserves = &health::is_reserved_bucket,
                                .serve = &serve_side_door,
                                .context = &view_}},
      .store = {.data_fd = site_.data->fd(),
                .durability = durability_of(options_.durability),
                .abilities = site_.abilities,
                .commits = {},
                .suspect = &suspect_}};
  for (const Network& network : options_.proxy_networks) frontend.proxies.add(network.text());
  frontends_ = std::make_unique<Frontends>(std::move(frontend));
  const auto started = frontends_->start();
  if (!started) {
    return refuse_errno("serve", started.error().sys, "see `millrace check --data DIR`");
  }
  return {};
}

void Server::start_membership() {
  if (!clustered_) return;
  name_lock_ = std::move(joined_->name_lock);  // let go with the data's lock, not with the thread
  member_ = std::make_unique<cluster::Member>(
      std::move(*joined_),
      cluster::MemberOptions{
          .host = host_name(),
          .endpoints = endpoints_of(options_.listen, tls_.has_value()),
          .health_endpoints = endpoints_of(std::span(&options_.health, 1), tls_.has_value()),
          .version = MILLRACE_VERSION,
          .logger = &logger_,
          .view = &view_,
          .frontends = pages_,
          .figures = &figures_,
          .peer_sockets = std::move(site_.peer_sockets),
          // Drains as SIGTERM does, but is not the operator's first.
          .on_leave = [this](cluster::Departure departure) {
            const bool first = departure_.exchange(departure) == cluster::Departure::stays;
            if (first) ::kill(::getpid(), SIGUSR1);
          }});
}

void Server::watch_tls() {
  if (!tls_) return;
  tls_watch_ = std::make_unique<TlsWatch>(TlsFiles{options_.tls_cert, options_.tls_key},
                                          site_.tls->seen, *tls_, logger_.add_channel());
}

Allowed<> Server::start() {
  if (const auto health = start_health(); !health) return health;
  start_membership();
  if (const auto frontends = start_frontends(); !frontends) return frontends;
  watch_tls();
  health_->mark_started();
  wait_for_first_verdict(view_);
  return {};
}

void Server::announce() {
  const BannerFacts facts{
      .options = &options_,
      .cores = &site_.cores,
      .abilities = &site_.abilities,
      .credentials = &site_.credentials,
      .directory_id = site_.data->format().id,
      .endpoints = endpoints_of(options_.listen, tls_.has_value()),
      .health_endpoints = endpoints_of(std::span(&options_.health, 1), tls_.has_value())};
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::fputs((terminal ? terminal_banner(facts) : structured_banner(facts)).c_str(), stderr);
  std::fputs("ready\n", stdout);
  std::fflush(stdout);
  notify_service_manager(std::getenv("NOTIFY_SOCKET"), "READY=1");
}

// Whether it is one that ends the server. The operator's second ends it on the spot.
bool Server::take_signal(int signal) {
  if (signal == SIGHUP) {
    logger_.reopen();
    if (access_logger_) access_logger_->reopen();
    if (tls_watch_) tls_watch_->look();
  }
  if (signal == SIGUSR1) return clustered_;  // the member, or the witness of the data
  if (signal != SIGTERM && signal != SIGINT) return false;
  if (asked_to_stop_) ::_exit(128 + signal);
  asked_to_stop_ = true;
  return true;
}

void Server::wait() {
  while (!take_signal(signals_.wait())) {
  }
}

void Server::wait_until(std::chrono::steady_clock::time_point until) {
  while (const int signal = signals_.wait_until(until)) take_signal(signal);
}

// The steps and their reasons: drain.h.
void Server::drain() {
  const auto begun = std::chrono::steady_clock::now();
  // Of a service that comes back by itself systemd must not hear that it stops: it would end it.
  const bool comes_back = departure_ == cluster::Departure::restart && !asked_to_stop_;
  notify_service_manager(
      std::getenv("NOTIFY_SOCKET"),
      comes_back ? fmt::format("RELOADING=1\nMONOTONIC_USEC={}", engine::monotonic_ns() / 1000)
                 : "STOPPING=1");
  const std::uint64_t now_ns = engine::monotonic_ns();
  const std::uint64_t since_ns = view_.read(now_ns).not_ready_since_ns;
  const auto not_ready = std::chrono::nanoseconds(since_ns == 0 ? 0 : now_ns - since_ns);
  const DrainPlan plan = plan_drain(
      options_, clustered_, std::chrono::duration_cast<std::chrono::milliseconds>(not_ready));
  engine::LogLine(logger_.add_channel(), engine::LogLevel::info, "stopping; again to end at once")
      .field("notice_ms", static_cast<std::uint64_t>(plan.notice_end.count()))
      .field("deadline_ms", static_cast<std::uint64_t>(plan.deadline.count()));
  health_->drain();
  if (member_) member_->drain();
  wait_until(begun + plan.notice_end);
  frontends_->close_after_answers();
  wait_until(begun + plan.closing_end);
  frontends_->drain();
  constexpr auto look_every = std::chrono::milliseconds(20);
  const auto deadline = begun + plan.deadline;
  int quiet_turns = 0;
  while (quiet_turns < 2 && std::chrono::steady_clock::now() < deadline) {
    quiet_turns = frontends_->connections() == 0 ? quiet_turns + 1 : 0;
    wait_until(std::chrono::steady_clock::now() + look_every);
  }
}

constexpr std::chrono::seconds end_limit{3};

// A call to a filesystem that hangs can't be interrupted, and its shard waits for it. Past the
// limit the process goes without it: listeners and connections are closed by then, the lock is
// given up here, since the kernel keeps the descriptors for as long as a thread is stuck.
void Server::end() {
  if (rest_) rest_->request_stop();
  health_->stop();
  std::binary_semaphore ended{0};
  std::thread guard([this, &ended] {
    if (ended.try_acquire_for(end_limit)) return;
    site_.data->unlock();
    name_lock_.reset();
    std::fputs("stopped; a call to the filesystem that doesn't return is left behind\n", stderr);
    ::_exit(status());
  });
  frontends_->stop();
  member_.reset();
  site_.witness.reset();
  ended.release();
  guard.join();
}

std::optional<int> Server::run() {
  if (const auto started = start(); !started) {
    std::fprintf(stderr, "%s\n", started.error().line().c_str());
    // Not by way of what may hang: the member's thread, at its filesystem.
    if (member_) ::_exit(1);
    if (health_) health_->stop();
    return 1;
  }
  announce();
  wait();
  drain();
  end();
  if (departure_ == cluster::Departure::restart && !asked_to_stop_) return std::nullopt;
  return status();
}

}  // namespace

namespace {

// What a container that comes to its end looks at last.
struct Ending {
  std::optional<int> status;
  bool cluster_destroyed = false;
};

int tell(const Refusal& refusal) {
  std::fprintf(stderr, "%s\n", refusal.line().c_str());
  return 1;
}

// `again`: by itself, with new settings.
Ending serve_once(ServeOptions options, const Signals& signals, bool again) {
  std::optional<cluster::Joined> joined;
  if (!options.config_fs.empty()) {
    auto found = join_cluster(options);
    if (!found && again && clear_away_cluster(options.config_fs)) return {0};
    if (!found) return {tell(found.error())};
    joined = std::move(*found);
    // Whoever starts a container wants it there; one that was removed meanwhile stays away.
    if (again && joined->configuration.find(joined->name) == nullptr) return {0};
  }
  auto site = look_around(options, joined ? &*joined : nullptr);
  if (!site) return {tell(site.error())};
  if (signals.asked_to_stop()) return {0};
  if (joined) {
    if (const auto entered = enter_cluster(*joined); !entered) return {tell(entered.error())};
  }
  Server server(options, signals, std::move(*site), std::move(joined));
  const auto status = server.run();
  return {status, server.cluster_destroyed()};
}

}  // namespace

int serve(const ServeOptions& options) {
  const Signals signals;
  ::umask(0);  // modes are stated where files are made
  for (bool again = false;; again = true) {
    const Ending ending = serve_once(options, signals, again);
    if (!ending.status.has_value()) continue;
    if (ending.cluster_destroyed) clear_away_cluster(options.config_fs);
    return *ending.status;
  }
}

}  // namespace millrace::tools
