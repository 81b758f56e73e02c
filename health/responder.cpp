// See responder.h.
#include "health/responder.h"

#include "health/agent.h"
#include "health/endpoints.h"
#include "health/metrics.h"
#include "health/process.h"

namespace millrace::health {

using engine::LogLevel;
using engine::LogLine;

Responder::Responder(engine::Shard& shard, const ServiceOptions& options,
                     std::span<const std::unique_ptr<FilesystemProbe>> probes,
                     std::vector<engine::Descriptor> listeners)
    : shard_(shard),
      shard_pointer_(&shard),
      options_(options),
      probes_(probes),
      memory_max_bytes_(options.memory_max_bytes != 0 ? options.memory_max_bytes
                                                      : memory_limit_bytes("")),
      start_time_seconds_(start_time_seconds()),
      server_(shard, {.handler = {&Responder::on_request, this},
                      .balance = &balance_,
                      .tls = options.tls,
                      .connections_max = limits::connections_max,
                      .connections_crowded = limits::connections_crowded}),
      tick_(*this),
      verdicts_(probes.size()),
      probe_counts_(probes.size()) {
  CHECK(probes.size() <= Suspicion::filesystems_max);
  CHECK(options.frontends.size() <= heartbeats_ns_.size());
  unsigned index = 0;
  for (auto& listener : listeners) {
    auto acceptor =
        std::make_unique<engine::Acceptor>(shard, std::move(listener), index++, balance_,
                                           engine::ConnectionSink{&Responder::on_connection, this});
    engine::Acceptor* const peer = acceptor.get();
    listeners_.push_back({std::move(acceptor), peer});
  }
}

Responder::~Responder() = default;

void Responder::begin() {
  refresh();
  for (auto& listener : listeners_) {
    listener.acceptor->start({&listener.peer, 1}, {&shard_pointer_, 1});
  }
}

void Responder::mark_started() {
  started_ = true;
  refresh();
}

void Responder::drain() {
  draining_ = true;
  refresh();
}

void Responder::stop() {
  stopping_ = true;
  tick_.disarm();
  for (auto& listener : listeners_) listener.acceptor->stop();
  server_.drain();
  server_.close_all();
  shard_.stop();
}

void Responder::on_tick(engine::Timer& self) {
  static_cast<Tick&>(self).responder.refresh();
}

void Responder::refresh() {
  const std::uint64_t now_ns = shard_.now_ns();
  note_pause(now_ns);
  const Load load = read_load();
  const Readiness readiness = read_readiness(now_ns, load);
  options_.view->publish({readiness.reason, load}, now_ns);
  tell_change(readiness.reason);
  shard_.page().log_lines_dropped.set(shard_.log().dropped());
  shard_.arm(tick_, limits::refresh_ms);
}

void Responder::note_pause(std::uint64_t now_ns) {
  if (refreshed_ns_ != 0 && now_ns > refreshed_ns_ + limits::pause_ns_min &&
      now_ns > resumed_ns_ + limits::pause_rest_ns) {
    resumed_ns_ = now_ns;
    LogLine(shard_.log(), LogLevel::warning, "process was paused")
        .field("ms", (now_ns - refreshed_ns_) / 1'000'000);
  }
  refreshed_ns_ = now_ns;
}

Load Responder::read_load() {
  if (refreshes_++ % limits::refreshes_per_memory_reading == 0) memory_bytes_ = resident_bytes();
  Load load{.requests_active = 0,
            .requests_max = options_.requests_active_max,
            .memory_bytes = memory_bytes_,
            .memory_max_bytes = memory_max_bytes_};
  for (const auto& page : options_.frontends) load.requests_active += page.requests_active.get();
  return load;
}

bool Responder::read_suspicion() {
  // Taken down here, so that the store's next failure is seen as one.
  std::atomic<bool>* const failed = options_.sync_failed;
  const bool failed_now = failed != nullptr && failed->load() && failed->exchange(false);
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    probe_counts_[i] = {probes_[i]->rounds(), probes_[i]->rounds_failed()};
  }
  return suspicion_.observe(failed_now, probe_counts_);
}

Readiness Responder::read_readiness(std::uint64_t now_ns, const Load& load) {
  const std::size_t count = options_.frontends.size();
  for (std::size_t i = 0; i < count; ++i) {
    heartbeats_ns_[i] = options_.frontends[i].heartbeat_ns.get();
  }
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    verdicts_[i] = probes_[i]->verdict(now_ns, resumed_ns_);
  }
  return judge({.now_ns = now_ns,
                .resumed_ns = resumed_ns_,
                .started = started_,
                .draining = draining_ || (options_.cluster != nullptr && options_.cluster->drained),
                .was_over_capacity = reason_ == Reason::over_capacity,
                .heartbeats_ns = std::span(heartbeats_ns_).first(count),
                .filesystems = verdicts_,
                .suspect = read_suspicion(),
                .load = load},
               options_.policy);
}

void Responder::tell_change(Reason reason) {
  if (reason == reason_) return;
  reason_ = reason;
  const bool expected = reason == Reason::ready || reason == Reason::draining;
  LogLine(shard_.log(), expected ? LogLevel::info : LogLevel::warning, "readiness")
      .field("reason", reason_text(reason));
}

void Responder::on_connection(void* context, engine::Shard& shard, engine::Descriptor socket,
                              unsigned listener) {
  auto& self = *static_cast<Responder*>(context);
  const bool is_agent = listener >= self.options_.listen.size();
  if (self.stopping_ || (is_agent && self.agents_ >= limits::agents_max)) {
    self.balance_.release(shard.index());
    return;
  }
  if (is_agent) return shard.tasks().adopt(self.answer_agent(std::move(socket)));
  self.server_.accept(std::move(socket), listener);
}

engine::Task<> Responder::answer_agent(engine::Descriptor socket) {
  ++agents_;
  co_await serve_agent(std::move(socket), options_.view->read(shard_.now_ns()));
  --agents_;
  balance_.release(shard_.index());
}

engine::Task<> Responder::on_request(void* context, http::Exchange& exchange) {
  auto& self = *static_cast<Responder*>(context);
  const std::string_view path = exchange.head().path;
  const Door& administration = self.options_.administration;
  if (path == "/metrics") {
    co_await self.serve_metrics(exchange);
  } else if (administration.owns != nullptr && administration.owns(path)) {
    co_await administration.serve(administration.context, exchange);
  } else {
    co_await serve_health(exchange, *self.options_.view, self.options_.cluster);
  }
}

bool Responder::metrics_allowed(const http::Head& head) const {
  const std::string& token = options_.metrics_token;
  if (token.empty()) return true;
  constexpr std::string_view scheme = "Bearer ";
  std::string_view given = head.value("authorization");
  if (!given.starts_with(scheme)) return false;
  given.remove_prefix(scheme.size());
  // The time this takes tells the length at most.
  if (given.size() != token.size()) return false;
  unsigned different = 0;
  for (std::size_t i = 0; i < token.size(); ++i) {
    different |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(token[i]);
  }
  return different == 0;
}

engine::Task<> Responder::serve_metrics(http::Exchange& exchange) {
  const View::Snapshot view = options_.view->read(shard_.now_ns());
  const auto method = exchange.head().method;
  std::string text;
  int status = 200;
  if (method != http::Method::get && method != http::Method::head) {
    status = 405;
  } else if (!metrics_allowed(exchange.head())) {
    status = 401;
  }
  http::HeadWriter& head = exchange.begin(status);
  if (status == 405) std::ignore = head.field("Allow", "GET, HEAD");
  if (status == 401) std::ignore = head.field("WWW-Authenticate", "Bearer");
  std::ignore = head.field("Content-Type", metrics_content_type);
  add_health_fields(head, view);
  if (status == 200) {
    std::vector<FilesystemFacts> filesystems;
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      filesystems.push_back({probes_[i]->directory(), verdicts_[i], probes_[i]->rounds(),
                             probes_[i]->rounds_failed(), probes_[i]->duration_ns()});
    }
    append_metrics(text,
                   {.version = options_.version,
                    .durability = options_.durability,
                    .now_ns = shard_.now_ns(),
                    .frontends = options_.frontends,
                    .health_page = &shard_.page(),
                    .operations = options_.operations,
                    .filesystems = filesystems,
                    .view = view,
                    .process = process_facts(start_time_seconds_),
                    .tls_expires_at = options_.tls == nullptr ? 0 : options_.tls->expires_at(),
                    .cluster = options_.cluster});
  }
  std::ignore = co_await exchange.send(text);
}

}  // namespace millrace::health
