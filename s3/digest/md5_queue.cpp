// See md5_queue.h.
#include "s3/digest/md5_queue.h"

#include "engine/check.h"
#include "engine/give_way.h"
#include "engine/shard.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::s3 {

using engine::Task;

namespace {
// Shorter pieces take no longer than looking for more of them does.
constexpr std::size_t gathered_bytes_min = 32 * 1024;
}  // namespace

Md5Queue::~Md5Queue() {
  CHECK(first_ == nullptr && !running_);
}

const Md5Kernel* Md5Queue::best_kernel() {
  const auto kernels = md5_kernels();
  return kernels.empty() ? nullptr : &kernels.front();
}

bool Md5Queue::Update::await_ready() {
  if (queue.kernel_ == nullptr || rest.size() < queued_bytes_min) {
    md5.update(rest);
    return true;
  }
  if (const std::size_t partial = md5.partial_bytes(); partial > 0) {
    md5.update(rest.first(Md5::block_bytes - partial));
    rest = rest.subspan(Md5::block_bytes - partial);
  }
  return false;
}

void Md5Queue::Update::await_suspend(std::coroutine_handle<> self) {
  waiter = self;
  *queue.last_ = this;
  queue.last_ = &next;
  ++queue.waiting_;
  if (queue.running_) return;
  queue.running_ = true;
  engine::Shard::current().tasks().adopt(queue.run());
}

// Before it hashes what takes long, it lets everything else come first that is ready, this shard's
// work and that of the ring's workers, as long as that brings more: a write on a worker holds up
// its upload's next piece, and would stand still while this thread hashes.
Task<> Md5Queue::run() {
  for (bool more = true; more;) {
    std::size_t seen = 0;
    do {
      seen = waiting_;
      co_await engine::Yield{};
      if (first_->rest.size() < gathered_bytes_min) break;
      engine::give_way();
      co_await engine::Yield{};
    } while (waiting_ > seen && waiting_ < md5_lanes_max);
    Update* finished = hash_turn();
    more = first_ != nullptr;
    running_ = more;
    while (finished != nullptr) {
      // Its link goes with its frame, and the queue may go with the last of them.
      const auto waiter = finished->waiter;
      finished = finished->next;
      waiter.resume();
    }
  }
}

// Those whose pieces are hashed, in the order of asking.
Md5Queue::Update* Md5Queue::hash_turn() {
  Update* finished = nullptr;
  Update** finished_last = &finished;
  const std::size_t began = waiting_;
  std::size_t steps_left = turn_steps_max;
  // A step costs the same however many take it. What is left of the longer pieces, when most have
  // none left, goes on beside those that come until the next turn.
  while (steps_left > 0 && waiting_ > 0 && 2 * waiting_ >= began) {
    std::array<Update*, md5_lanes_max> together;
    std::size_t count = 0;
    std::size_t blocks = steps_left;
    for (Update* at = first_; at != nullptr && count < together.size(); at = at->next) {
      together[count++] = at;
      blocks = std::min(blocks, at->blocks());
    }
    advance(std::span(together).first(count), blocks);
    steps_left -= blocks;
    *finished_last = take_finished();
    while (*finished_last != nullptr) finished_last = &(*finished_last)->next;
  }
  return finished;
}

void Md5Queue::advance(std::span<Update* const> together, std::size_t blocks) const {
  const std::size_t bytes = blocks * Md5::block_bytes;
  if (together.size() < kernel_->lanes_min) {
    for (Update* one : together) one->md5.update(one->rest.first(bytes));
  } else {
    std::array<Md5Lane, md5_lanes_max> lanes;
    for (std::size_t i = 0; i < together.size(); ++i) {
      lanes[i] = {.chain = together[i]->md5.chain(), .at = together[i]->rest.data()};
    }
    kernel_->advance(std::span(lanes).first(together.size()), blocks);
    for (std::size_t i = 0; i < together.size(); ++i) {
      together[i]->md5.continue_from(lanes[i].chain, blocks);
    }
  }
  for (Update* one : together) one->rest = one->rest.subspan(bytes);
}

// Takes those out of the list that have no block left; what is less than a block, too.
Md5Queue::Update* Md5Queue::take_finished() {
  Update* finished = nullptr;
  Update** finished_last = &finished;
  for (Update** at = &first_; *at != nullptr;) {
    Update* const one = *at;
    if (one->blocks() > 0) {
      at = &one->next;
      continue;
    }
    one->md5.update(one->rest);
    *at = std::exchange(one->next, nullptr);
    if (*at == nullptr) last_ = at;
    --waiting_;
    *finished_last = one;
    finished_last = &one->next;
  }
  return finished;
}

}  // namespace millrace::s3
