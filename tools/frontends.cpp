// See frontends.h.
#include "tools/frontends.h"

#include "tools/broom.h"

namespace millrace::tools {

using engine::Result;

struct Frontends::PerShard {
  std::unique_ptr<s3::Service> service;
  std::unique_ptr<Broom> broom;  // of the first shard
  std::unique_ptr<http::Server> server;
  std::vector<std::unique_ptr<engine::Acceptor>> acceptors;
  engine::Shard* shard = nullptr;
};

struct Frontends::Order : engine::Message {
  Order(PerShard& target_in, Action action_in)
      : Message(&Order::run_on), target(target_in), action(action_in) {}
  static void run_on(engine::Message& self, engine::Shard&) {
    auto& order = static_cast<Order&>(self);
    order.action(order.target);
  }
  PerShard& target;
  const Action action;
};

Frontends::Frontends(FrontendOptions options)
    : options_(std::move(options)), balance_(static_cast<unsigned>(options_.processors.size())) {
  for (std::size_t i = 0; i < options_.processors.size(); ++i) {
    shards_.push_back(std::make_unique<PerShard>());
  }
  if (options_.shared_locks_fd >= 0) {
    locks_.share(options_.shared_locks_fd, options_.store.abilities.local);
  }
  running_.assign(options_.processors.size(), nullptr);
  acceptors_.assign(options_.listen.size(),
                    std::vector<engine::Acceptor*>(options_.processors.size(), nullptr));
}

Frontends::~Frontends() = default;

Result<> Frontends::start() {
  auto set = engine::ShardSet::start({.processors = options_.processors,
                                      .pinned = options_.pinned,
                                      .logger = options_.logger,
                                      .pages = options_.pages},
                                     {.prepare = &Frontends::prepare,
                                      .begin = &Frontends::begin,
                                      .end = &Frontends::end,
                                      .context = this});
  if (!set) return std::unexpected(set.error());
  set_ = std::move(*set);
  return {};
}

Result<> Frontends::prepare(void* context, engine::Shard& shard) {
  auto& self = *static_cast<Frontends*>(context);
  PerShard& own = *self.shards_[shard.index()];
  own.shard = &shard;
  self.running_[shard.index()] = &shard;
  s3::ServiceOptions service = self.options_.service;
  if (self.options_.access_logger != nullptr) {
    service.access_log = &self.options_.access_logger->add_channel();
  }
  own.service = std::make_unique<s3::Service>(shard, service, self.options_.store, self.locks_);
  const bool trusts = !self.options_.proxies.networks.empty();
  own.server = std::make_unique<http::Server>(
      shard, http::ServerOptions{.handler = own.service->handler(),
                                 .balance = &self.balance_,
                                 .proxies = trusts ? &self.options_.proxies : nullptr,
                                 .tls = self.options_.tls});
  for (unsigned listener = 0; listener < self.options_.listen.size(); ++listener) {
    auto socket = engine::listen_on(self.options_.listen[listener], true);
    if (!socket) return std::unexpected(socket.error());
    auto acceptor = std::make_unique<engine::Acceptor>(
        shard, std::move(*socket), listener, self.balance_,
        engine::ConnectionSink{&Frontends::take_connection, context});
    self.acceptors_[listener][shard.index()] = acceptor.get();
    own.acceptors.push_back(std::move(acceptor));
  }
  return {};
}

void Frontends::begin(void* context, engine::Shard& shard) {
  auto& self = *static_cast<Frontends*>(context);
  PerShard& own = *self.shards_[shard.index()];
  for (unsigned listener = 0; listener < own.acceptors.size(); ++listener) {
    own.acceptors[listener]->start(self.acceptors_[listener], self.running_);
  }
  if (shard.index() == 0) {
    own.broom = std::make_unique<Broom>(
        shard, own.service->store(),
        BroomOptions{.shared = self.locks_.shared(),
                     .uploads_age_max_days = self.options_.uploads_age_max_days});
    own.broom->start();
  }
}

void Frontends::end(void* context, engine::Shard& shard) {
  auto& self = *static_cast<Frontends*>(context);
  PerShard& own = *self.shards_[shard.index()];
  own.broom.reset();
  own.acceptors.clear();
  own.server.reset();
  own.service.reset();
}

void Frontends::take_connection(void* context, engine::Shard& shard, engine::Descriptor socket,
                                unsigned listener) {
  auto& self = *static_cast<Frontends*>(context);
  self.shards_[shard.index()]->server->accept(std::move(socket), listener);
}

void Frontends::order(Action action) {
  for (const auto& each : shards_) {
    Order& made = *orders_.emplace_back(std::make_unique<Order>(*each, action));
    each->shard->post(made);
  }
}

void Frontends::close_after_answers() {
  order([](PerShard& own) { own.server->close_after_answers(); });
}

void Frontends::drain() {
  order([](PerShard& own) {
    for (const auto& acceptor : own.acceptors) acceptor->stop();
    own.server->drain();
    own.server->close_idle();
  });
}

void Frontends::close_connections() {
  order([](PerShard& own) { own.server->close_all(); });
}

std::uint64_t Frontends::connections() const {
  std::uint64_t count = 0;
  for (const engine::StatusPage& page : options_.pages) count += page.connections.get();
  return count;
}

void Frontends::stop() {
  order([](PerShard& own) {
    own.server->close_all();
    own.shard->stop();
  });
  set_->join();
}

}  // namespace millrace::tools
