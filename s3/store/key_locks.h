// Locks of keys, across the shards of this process and, where containers share the data, across
// those: every publish and removal of a key holds its lock while it looks and then acts; reads take
// none. Nobody takes a second one while he holds one, but for a rename, which takes the lower slot
// first and a slot that its keys share once. Thread-safe; a waiter is resumed on its
// own shard.
#pragma once

#include "engine/shard.h"

#include <array>
#include <coroutine>
#include <cstddef>
#include <mutex>
#include <string_view>

namespace millrace::s3::store {

class KeyLocks {
 public:
  static constexpr std::size_t slot_count = 1024;

  class Held {
   public:
    Held() = default;
    Held(Held&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)),
          slot_(other.slot_),
          excludes_(other.excludes_) {}
    Held& operator=(Held&&) = delete;
    ~Held() { release(); }
    void release();

   private:
    friend class KeyLocks;
    Held(KeyLocks& locks, std::size_t slot) : locks_(&locks), slot_(slot) {}
    KeyLocks* locks_ = nullptr;
    std::size_t slot_ = 0;
    bool excludes_ = false;  // other containers, too
  };

  class Acquire : engine::Message {
   public:
    Acquire(KeyLocks& locks, std::size_t slot)
        : Message(&Acquire::resume), locks_(locks), slot_(slot) {}
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> self);
    Held await_resume() { return Held(locks_, slot_); }

   private:
    friend class KeyLocks;
    static void resume(engine::Message& self, engine::Shard& shard);
    KeyLocks& locks_;
    const std::size_t slot_;
    engine::Shard* shard_ = nullptr;
    std::coroutine_handle<> waiter_;
    Acquire* next_ = nullptr;
  };

  // Other processes have the same locks: bytes of this file, one a slot, locked for its open
  // description (fcntl(2), F_OFD_SETLK), so that the end of a process lets them go. `local`: by
  // this kernel, without a network. Before the first lock.
  void share(int fd, bool local) {
    shared_fd_ = fd;
    local_ = local;
  }
  bool shared() const { return shared_fd_ >= 0; }

  // co_await lock(...): held until the result goes.
  Acquire lock(std::string_view bucket, std::string_view key) {
    return lock_slot(slot_of(bucket, key));
  }
  static std::size_t slot_of(std::string_view bucket, std::string_view key);
  Acquire lock_slot(std::size_t slot) { return {*this, slot}; }
  // Then, where shared(): the same for other processes. EAGAIN ten seconds after `begun_ns` (of
  // the shard's clock, before lock()): somebody holds it who does not go on.
  engine::Task<engine::Result<>> exclude_others(Held& held, std::uint64_t begun_ns);

 private:
  struct Slot {
    std::mutex mutex;
    bool held = false;
    Acquire* first = nullptr;
    Acquire* last = nullptr;
    bool unsure = false;  // make_sure() is at work
  };
  void release(std::size_t slot);
  engine::Task<> include_others(std::size_t slot);
  void doubt(std::size_t slot);
  engine::Task<> make_sure(std::size_t slot);

  std::array<Slot, slot_count> slots_;
  int shared_fd_ = -1;
  bool local_ = false;
};

}  // namespace millrace::s3::store
