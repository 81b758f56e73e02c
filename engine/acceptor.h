// Listeners: a multishot accept on every shard, and connections handed to the shard that has
// the fewest, so that load does not depend on a hash's luck.
#pragma once

#include "engine/descriptor.h"
#include "engine/limits.h"
#include "engine/shard.h"

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <span>

namespace millrace::engine {

// How many connections each shard has; shared by all shards.
class Balance {
 public:
  explicit Balance(unsigned shard_count) : shard_count_(shard_count) {}

  // Counts a connection for the shard with the fewest; `preferred` wins ties.
  unsigned assign(unsigned preferred);
  void release(unsigned shard);

 private:
  const unsigned shard_count_;
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::array<unsigned, limits::shards_max> counts_{};
};

// A listening socket of one shard; all shards bind the same address with SO_REUSEPORT.
Result<Descriptor> listen_on(const sockaddr_storage& address, bool shared);

// What takes a connection on; called on the shard that will own it.
struct ConnectionSink {
  void (*start)(void* context, Shard& shard, Descriptor socket, unsigned listener) = nullptr;
  void* context = nullptr;
};

// One listener on one shard. Made and run on its shard's thread.
class Acceptor {
 public:
  Acceptor(Shard& shard, Descriptor listener, unsigned listener_index, Balance& balance,
           ConnectionSink sink);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // The acceptors of the same listener on every shard, in the order of shards; they outlive
  // each other's threads.
  void start(std::span<Acceptor* const> peers, std::span<Shard* const> shards);

  // Accepts until stop(); then closes the listener. Adopted by the shard's tasks.
  Task<> serve();
  void stop();

 private:
  struct Arrival : Completion {
    explicit Arrival(Acceptor& owner) : Completion(&Acceptor::on_arrival), acceptor(owner) {}
    Acceptor& acceptor;
  };
  struct Accept : Completion {
    explicit Accept(Acceptor& owner) : Completion(&Acceptor::on_accept), acceptor(owner) {}
    Acceptor& acceptor;
  };

  static void on_accept(Completion& self, Outcome outcome);
  static void on_arrival(Completion& self, Outcome outcome);
  Task<> hand_over(Descriptor socket);

  Shard& shard_;
  Descriptor listener_;
  const unsigned listener_index_;
  Balance& balance_;
  const ConnectionSink sink_;
  std::span<Acceptor* const> peers_;
  std::span<Shard* const> shards_;
  Accept accept_;
  Arrival arrival_;
  Signal changed_;
  bool armed_ = false;
  bool failed_ = false;  // the last accept ended with an error
  bool stopping_ = false;
};

}  // namespace millrace::engine
