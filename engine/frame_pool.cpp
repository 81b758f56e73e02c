// See frame_pool.h. Frames over the largest class come from and go back to the system.
#include "engine/frame_pool.h"

#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MILLRACE_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef MILLRACE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace millrace::engine {

namespace {

// Under the address sanitizer a free frame is poisoned: to touch one is an error there too.
void forbid([[maybe_unused]] void* frame, [[maybe_unused]] std::size_t bytes) {
#ifdef MILLRACE_ADDRESS_SANITIZER
  ASAN_POISON_MEMORY_REGION(frame, bytes);
#endif
}

void permit([[maybe_unused]] void* frame, [[maybe_unused]] std::size_t bytes) {
#ifdef MILLRACE_ADDRESS_SANITIZER
  ASAN_UNPOISON_MEMORY_REGION(frame, bytes);
#endif
}

}  // namespace

FramePool::~FramePool() {
  for (Free* head : free_) {
    while (head != nullptr) {
      permit(head, sizeof(Free));
      Free* next = head->next;
      ::operator delete(head);
      head = next;
    }
  }
}

FramePool& FramePool::local() {
  thread_local FramePool pool;
  return pool;
}

void* FramePool::allocate(std::size_t bytes) {
  const std::size_t index = (bytes - 1) / class_bytes;
  if (index >= class_count) return ::operator new(bytes);
  if (Free* head = free_[index]; head != nullptr) {
    permit(head, (index + 1) * class_bytes);
    free_[index] = head->next;
    return head;
  }
  return ::operator new((index + 1) * class_bytes);
}

void FramePool::release(void* frame, std::size_t bytes) {
  const std::size_t index = (bytes - 1) / class_bytes;
  if (index >= class_count) {
    ::operator delete(frame);
    return;
  }
  auto* head = static_cast<Free*>(frame);
  head->next = free_[index];
  free_[index] = head;
  forbid(frame, (index + 1) * class_bytes);
}

}  // namespace millrace::engine
