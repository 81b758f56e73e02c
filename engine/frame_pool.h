// Memory of coroutine frames: size classes with free lists, one pool per thread, so that a
// warm shard allocates nothing. A frame is freed on the thread that made it.
#pragma once

#include <cstddef>

namespace millrace::engine {

class FramePool {
 public:
  FramePool() = default;
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // The calling thread's pool.
  static FramePool& local();

  void* allocate(std::size_t bytes);
  void release(void* frame, std::size_t bytes);

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t class_bytes = 128;
  static constexpr std::size_t class_count = 256;  // frames up to 32 KiB; larger ones go to malloc

  Free* free_[class_count] = {};
};

}  // namespace millrace::engine
