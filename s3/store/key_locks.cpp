// See key_locks.h. A release hands the slot to the first waiter, so nobody starves.
#include "s3/store/key_locks.h"

#include "engine/file.h"

#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace millrace::s3::store {

namespace {
constexpr std::uint64_t wait_max_ms = 10'000;
constexpr std::uint64_t unlock_retry_ms = 200;
constexpr std::uint64_t unlock_retry_max_ms = 2'000;
}  // namespace

std::size_t KeyLocks::slot_of(std::string_view bucket, std::string_view key) {
  const auto seed = XXH3_64bits(bucket.data(), bucket.size());
  const auto hash = XXH3_64bits_withSeed(key.data(), key.size(), seed);
  return static_cast<std::size_t>(hash % slot_count);
}

bool KeyLocks::Acquire::await_suspend(std::coroutine_handle<> self) {
  Slot& slot = locks_.slots_[slot_];
  const std::lock_guard guard(slot.mutex);
  if (!slot.held) {
    slot.held = true;
    return false;
  }
  shard_ = &engine::Shard::current();
  waiter_ = self;
  (slot.last != nullptr ? slot.last->next_ : slot.first) = this;
  slot.last = this;
  return true;
}

void KeyLocks::Acquire::resume(engine::Message& self, engine::Shard&) {
  static_cast<Acquire&>(self).waiter_.resume();
}

void KeyLocks::release(std::size_t index) {
  Slot& slot = slots_[index];
  Acquire* next = nullptr;
  {
    const std::lock_guard guard(slot.mutex);
    next = slot.first;
    if (next == nullptr) {
      slot.held = false;
      return;
    }
    slot.first = next->next_;
    if (slot.first == nullptr) slot.last = nullptr;
  }
  next->shard_->post(*next);
}

void KeyLocks::Held::release() {
  if (locks_ == nullptr) return;
  KeyLocks& locks = *std::exchange(locks_, nullptr);
  if (!excludes_) return locks.release(slot_);
  if (locks.local_) {
    std::ignore = engine::file::unlock_byte_now(locks.shared_fd_, slot_);
    return locks.release(slot_);
  }
  engine::Shard::current().tasks().adopt(locks.include_others(slot_));
}

// The slot goes on within the process only then: a lock that is let go late would be the next
// one's.
engine::Task<> KeyLocks::include_others(std::size_t slot) {
  const auto unlocked = co_await engine::file::unlock_byte(shared_fd_, slot);
  release(slot);
  if (!unlocked) doubt(slot);
}

// A filesystem that was cut off while it locked or unlocked may keep the lock for as long as this
// process lives (GlusterFS does, on a brick that was still reached), and would refuse it to every
// other container.
void KeyLocks::doubt(std::size_t slot) {
  {
    const std::lock_guard guard(slots_[slot].mutex);
    if (std::exchange(slots_[slot].unsure, true)) return;
  }
  engine::Shard::current().tasks().adopt(make_sure(slot));
}

// Between this process's own turns, so that no lock in use is let go. When the shard ends, the file
// is about to be closed, which lets go of everything.
engine::Task<> KeyLocks::make_sure(std::size_t slot) {
  for (std::uint64_t pause_ms = unlock_retry_ms;;
       pause_ms = std::min(2 * pause_ms, unlock_retry_max_ms)) {
    for (std::uint64_t slept_ms = 0; slept_ms < pause_ms; slept_ms += unlock_retry_ms) {
      if (engine::Shard::current().stopping()) co_return;
      co_await engine::sleep_for(unlock_retry_ms);
    }
    const Held turn = co_await Acquire(*this, slot);
    const auto unlocked = co_await engine::file::unlock_byte(shared_fd_, slot);
    if (!unlocked) continue;
    const std::lock_guard guard(slots_[slot].mutex);
    slots_[slot].unsure = false;
    co_return;
  }
}

engine::Task<engine::Result<>> KeyLocks::exclude_others(Held& held, std::uint64_t begun_ns) {
  if (local_) {
    // Nobody is waited for by a worker: a turn is a few calls.
    for (;;) {
      const int got = engine::file::try_lock_byte_now(shared_fd_, held.slot_);
      held.excludes_ = got == 0;
      if (got == 0) co_return engine::Result<>{};
      if (got != -EAGAIN && got != -EACCES) co_return engine::fail_errno(-got);
      if (engine::Shard::current().now_ns() - begun_ns > wait_max_ms * 1'000'000) {
        co_return engine::fail_errno(EAGAIN);
      }
      co_await engine::sleep_for(1);
    }
  }
  const std::uint64_t waited_ms = (engine::Shard::current().now_ns() - begun_ns) / 1'000'000;
  const std::uint64_t left_ms = wait_max_ms > waited_ms ? wait_max_ms - waited_ms : 0;
  const auto locked = co_await engine::file::lock_byte(shared_fd_, held.slot_, left_ms);
  held.excludes_ = locked.has_value();
  const bool late = !locked && locked.error().code == engine::Errc::timed_out;
  if (!locked && !late) doubt(held.slot_);
  co_return late ? engine::fail_errno(EAGAIN) : locked;
}

}  // namespace millrace::s3::store
