// See service.h. The main thread makes sockets and probes; everything that has to do with the
// ring is made, used and destroyed by the health shard's thread.
#include "health/service.h"

#include "engine/acceptor.h"
#include "engine/shard_set.h"
#include "health/responder.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace millrace::health {

namespace {

// Health checks are few and short, and must be answered while the frontends use every core.
// Needs CAP_SYS_NICE; without it the scheduler's favour for those who sleep must do.
constexpr int niceness = -10;

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      started_order_(*this, &Responder::mark_started),
      drain_order_(*this, &Responder::drain),
      stop_order_(*this, &Responder::stop) {}

Service::~Service() {
  stop();
}

engine::Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  auto service = std::unique_ptr<Service>(new Service(std::move(options)));
  // Before any socket or file is open that a probe's thread would hold on to.
  for (const ProbeOptions& each : service->options_.filesystems) {
    service->probes_.push_back(std::make_unique<FilesystemProbe>(each));
  }
  if (const auto listening = service->listen(); !listening) {
    return std::unexpected(listening.error());
  }
  service->thread_ = std::thread([&self = *service] { self.run(); });
  service->begun_.acquire();
  if (!service->outcome_) return std::unexpected(service->outcome_.error());
  return service;
}

engine::Result<> Service::listen() {
  const auto open = [this](const std::vector<sockaddr_storage>& addresses,
                           std::vector<std::uint16_t>& ports) -> engine::Result<> {
    for (const auto& address : addresses) {
      auto socket = engine::listen_on(address, false);
      if (!socket) return std::unexpected(socket.error());
      ports.push_back(bound_port(socket->get()));
      listeners_.push_back(std::move(*socket));
    }
    return {};
  };
  if (const auto opened = open(options_.listen, ports_); !opened) return opened;
  return open(options_.agent_listen, agent_ports_);
}

void Service::run() {
  if (options_.processor) {
    engine::pin_thread(*options_.processor, "mr-health");
  } else {
    ::pthread_setname_np(::pthread_self(), "mr-health");
  }
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
  auto shard = engine::Shard::create(
      {.page = &page_, .log = &options_.logger->add_channel(), .ring = {.worker_threads = 1}});
  if (!shard) {
    outcome_ = std::unexpected(shard.error());
    begun_.release();
    return;
  }
  {
    Responder responder(**shard, options_, probes_, std::move(listeners_));
    shard_ = shard->get();
    responder_ = &responder;
    responder.begin();
    begun_.release();
    (*shard)->run();
    no_more_orders_.acquire();
  }
}

void Service::on_order(engine::Message& self, engine::Shard&) {
  const auto& order = static_cast<const Order&>(self);
  (order.service.responder_->*order.action)();
}

void Service::send(Order& order) {
  if (order.sent || shard_ == nullptr) return;
  order.sent = true;
  shard_->post(order);
}

void Service::mark_started() {
  send(started_order_);
}

void Service::drain() {
  send(drain_order_);
}

void Service::stop() {
  if (shard_ != nullptr) {
    send(stop_order_);
    no_more_orders_.release();
    shard_ = nullptr;
  }
  if (thread_.joinable()) thread_.join();
  for (const auto& probe : probes_) probe->request_stop();
  probes_.clear();
}

}  // namespace millrace::health
