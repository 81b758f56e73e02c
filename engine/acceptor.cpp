// See acceptor.h. When descriptors run out the multishot ends with an error; it is armed again
// a little later, and the connections wait in the kernel's queue meanwhile.
#include "engine/acceptor.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace millrace::engine {

namespace {

constexpr int backlog = 4096;
constexpr std::uint64_t accept_retry_ms = 50;

void set_option(int fd, int level, int option, int value = 1) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

unsigned Balance::assign(unsigned preferred) {
  while (busy_.test_and_set(std::memory_order_acquire)) {
  }
  unsigned best = preferred;
  for (unsigned shard = 0; shard < shard_count_; ++shard) {
    if (counts_[shard] < counts_[best]) best = shard;
  }
  ++counts_[best];
  busy_.clear(std::memory_order_release);
  return best;
}

void Balance::release(unsigned shard) {
  while (busy_.test_and_set(std::memory_order_acquire)) {
  }
  CHECK(counts_[shard] > 0);
  --counts_[shard];
  busy_.clear(std::memory_order_release);
}

Result<Descriptor> listen_on(const sockaddr_storage& address, bool shared) {
  Descriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno(errno);
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR);
  if (shared) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT);
  if (address.ss_family == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  // Inherited by accepted sockets: answers leave at once, dead peers are noticed.
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY);
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE);
  const socklen_t length =
      address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  sockaddr_storage copy = address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&copy), length) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return fail_errno(errno);
  }
  return socket;
}

Acceptor::Acceptor(Shard& shard, Descriptor listener, unsigned listener_index, Balance& balance,
                   ConnectionSink sink)
    : shard_(shard),
      listener_(std::move(listener)),
      listener_index_(listener_index),
      balance_(balance),
      sink_(sink),
      accept_(*this),
      arrival_(*this) {}

Acceptor::~Acceptor() {
  CHECK(!armed_);
}

void Acceptor::start(std::span<Acceptor* const> peers, std::span<Shard* const> shards) {
  peers_ = peers;
  shards_ = shards;
  shard_.tasks().adopt(serve());
}

void Acceptor::on_accept(Completion& self, Outcome outcome) {
  Acceptor& acceptor = static_cast<Accept&>(self).acceptor;
  if (!outcome.more) acceptor.armed_ = false;
  acceptor.failed_ = outcome.result < 0;
  if (outcome.result >= 0) {
    acceptor.shard_.tasks().adopt(acceptor.hand_over(Descriptor(outcome.result)));
  }
  if (!outcome.more) acceptor.changed_.notify();
}

void Acceptor::on_arrival(Completion& self, Outcome outcome) {
  Acceptor& acceptor = static_cast<Arrival&>(self).acceptor;
  Shard& shard = acceptor.shard_;
  shard.page().connections_accepted.add();
  acceptor.sink_.start(acceptor.sink_.context, shard, Descriptor(outcome.result),
                       acceptor.listener_index_);
}

Task<> Acceptor::hand_over(Descriptor socket) {
  const unsigned target = balance_.assign(shard_.index());
  const int fd = socket.release();
  const auto delivered = co_await shard_.deliver(*shards_[target], peers_[target]->arrival_, fd);
  if (delivered) co_return;
  socket = Descriptor(fd);
  balance_.release(target);
}

Task<> Acceptor::serve() {
  while (!stopping_) {
    if (!armed_) {
      armed_ = true;
      shard_.ring().submit(accept_, {.action = Action::accept_multishot, .fd = listener_.get()});
    }
    co_await changed_.wait();
    if (!armed_ && !stopping_ && failed_) co_await sleep_for(accept_retry_ms);
  }
  while (armed_) co_await changed_.wait();
  listener_.reset();
}

void Acceptor::stop() {
  if (stopping_) return;
  stopping_ = true;
  if (armed_) {
    shard_.submit_ignored(
        {.action = Action::cancel, .address = static_cast<Completion*>(&accept_)});
  }
  changed_.notify();
}

}  // namespace millrace::engine
