// A bounded budget of equal buffers, owned by one shard. Memory is taken when first needed and
// kept. When the budget is spent, acquire() waits in order: that is back-pressure, not failure.
#pragma once

#include "engine/ready_queue.h"

#include <coroutine>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace millrace::engine {

class BufferPool;

// One buffer of a pool; goes back when destroyed.
class Buffer {
 public:
  Buffer() = default;
  Buffer(BufferPool* pool, std::byte* bytes) : pool_(pool), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_), bytes_(std::exchange(other.bytes_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = other.pool_;
      bytes_ = std::exchange(other.bytes_, nullptr);
    }
    return *this;
  }
  ~Buffer() { reset(); }

  explicit operator bool() const { return bytes_ != nullptr; }
  std::byte* data() const { return bytes_; }
  std::size_t size() const;
  std::span<std::byte> bytes() const { return {bytes_, size()}; }
  void reset();

 private:
  BufferPool* pool_ = nullptr;
  std::byte* bytes_ = nullptr;
};

class BufferPool {
 public:
  // Waiters are resumed through `ready`, never from inside a release.
  BufferPool(std::size_t buffer_bytes, std::size_t count_max, ReadyQueue& ready);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  std::size_t buffer_bytes() const { return buffer_bytes_; }
  std::size_t in_use() const { return in_use_; }
  std::size_t count_max() const { return count_max_; }
  std::size_t waiting() const { return waiting_; }

  // An empty Buffer when the budget is spent.
  Buffer try_acquire();

  struct Acquire {
    BufferPool& pool;
    Buffer got{};
    std::coroutine_handle<> waiter{};
    Acquire* next = nullptr;
    bool await_ready() {
      if (pool.waiters_ == nullptr) got = pool.try_acquire();
      return static_cast<bool>(got);
    }
    void await_suspend(std::coroutine_handle<> self);
    Buffer await_resume() { return std::move(got); }
  };
  // co_await: a buffer, sooner or later.
  Acquire acquire() { return Acquire{*this}; }

 private:
  friend class Buffer;
  void release(std::byte* bytes);

  const std::size_t buffer_bytes_;
  const std::size_t count_max_;
  ReadyQueue& ready_;
  std::size_t in_use_ = 0;
  std::size_t waiting_ = 0;
  std::vector<std::byte*> free_;
  Acquire* waiters_ = nullptr;
  Acquire* waiters_last_ = nullptr;
};

}  // namespace millrace::engine
