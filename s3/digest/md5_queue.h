// MD5 for the uploads of one shard: whoever has a piece to hash waits until the shard's loop has
// come round to it, and all pieces that wait then are hashed side by side (md5_lanes.h). Owned by
// one shard. Invariant: who waits is in the list, in the order of asking, and goes on as soon as
// its piece is hashed; its frame, which holds the list's link, is not destroyed before.
#pragma once

#include "engine/task.h"
#include "s3/digest/md5_lanes.h"

#include <coroutine>
#include <cstddef>
#include <span>

namespace millrace::s3 {

class Md5Queue {
 public:
  // What one turn of the loop hashes at most, in steps of a kernel, each of which is a block of
  // 64 bytes in every lane: a third of a millisecond, however many wait (two slow virtual cores,
  // AVX2). The rest has the next turn, and what else the shard has to do comes between.
  static constexpr std::size_t turn_steps_max = 2048;
  // Shorter pieces are hashed at once.
  static constexpr std::size_t queued_bytes_min = 1024;

  // Null: no lanes, every piece at once.
  explicit Md5Queue(const Md5Kernel* kernel = best_kernel()) : kernel_(kernel) {}
  Md5Queue(const Md5Queue&) = delete;
  Md5Queue& operator=(const Md5Queue&) = delete;
  ~Md5Queue();

  struct Update {
    Md5Queue& queue;
    Md5& md5;
    std::span<const std::byte> rest;  // not hashed yet
    std::coroutine_handle<> waiter{};
    Update* next = nullptr;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> self);
    void await_resume() const {}
    std::size_t blocks() const { return rest.size() / Md5::block_bytes; }
  };
  // co_await: md5.update(data). Nobody else may touch either meanwhile.
  Update update(Md5& md5, std::span<const std::byte> data) { return Update{*this, md5, data}; }

  std::size_t waiting() const { return waiting_; }

 private:
  static const Md5Kernel* best_kernel();
  engine::Task<> run();
  Update* hash_turn();
  void advance(std::span<Update* const> together, std::size_t blocks) const;
  Update* take_finished();

  const Md5Kernel* const kernel_;
  Update* first_ = nullptr;
  Update** last_ = &first_;
  std::size_t waiting_ = 0;
  bool running_ = false;
};

}  // namespace millrace::s3
