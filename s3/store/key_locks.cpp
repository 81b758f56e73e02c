// See key_locks.h. A release hands the slot to the first waiter, so nobody starves.
#include "s3/store/key_locks.h"

#include <xxhash.h>

namespace millrace::s3::store {

KeyLocks::Acquire KeyLocks::lock(std::string_view bucket, std::string_view key) {
  const auto seed = XXH3_64bits(bucket.data(), bucket.size());
  const auto hash = XXH3_64bits_withSeed(key.data(), key.size(), seed);
  return {*this, static_cast<std::size_t>(hash % slot_count)};
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
  if (locks_ != nullptr) std::exchange(locks_, nullptr)->release(slot_);
}

}  // namespace millrace::s3::store
