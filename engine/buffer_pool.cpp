// See buffer_pool.h. Buffers are page-aligned.
#include "engine/buffer_pool.h"

#include "engine/check.h"

#include <cstdlib>
#include <new>

namespace millrace::engine {

namespace {
constexpr std::size_t alignment_bytes = 4096;
}

std::size_t Buffer::size() const {
  return bytes_ == nullptr ? 0 : pool_->buffer_bytes();
}

void Buffer::reset() {
  if (bytes_ != nullptr) pool_->release(std::exchange(bytes_, nullptr));
}

BufferPool::BufferPool(std::size_t buffer_bytes, std::size_t count_max, ReadyQueue& ready)
    : buffer_bytes_(buffer_bytes), count_max_(count_max), ready_(ready) {
  free_.reserve(count_max);
}

BufferPool::~BufferPool() {
  CHECK(in_use_ == 0);
  for (std::byte* bytes : free_) std::free(bytes);
}

Buffer BufferPool::try_acquire() {
  if (in_use_ == count_max_) return {};
  std::byte* bytes = nullptr;
  if (!free_.empty()) {
    bytes = free_.back();
    free_.pop_back();
  } else {
    bytes = static_cast<std::byte*>(std::aligned_alloc(alignment_bytes, buffer_bytes_));
    if (bytes == nullptr) return {};
  }
  ++in_use_;
  return {this, bytes};
}

void BufferPool::Acquire::await_suspend(std::coroutine_handle<> self) {
  waiter = self;
  if (pool.waiters_last_ != nullptr) {
    pool.waiters_last_->next = this;
  } else {
    pool.waiters_ = this;
  }
  pool.waiters_last_ = this;
  ++pool.waiting_;
}

void BufferPool::release(std::byte* bytes) {
  CHECK(in_use_ > 0);
  if (waiters_ == nullptr) {
    --in_use_;
    free_.push_back(bytes);
    return;
  }
  Acquire& first = *waiters_;
  waiters_ = first.next;
  if (waiters_ == nullptr) waiters_last_ = nullptr;
  --waiting_;
  first.got = Buffer(this, bytes);
  ready_.push(first.waiter);
}

}  // namespace millrace::engine
