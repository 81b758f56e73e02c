// See timer_wheel.h. near_ holds the ticks of the current turn ahead; far_ holds one slot for
// each later turn and empties into near_ when that turn begins.
#include "engine/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace millrace::engine {

void Timer::disarm() {
  if (previous_ == nullptr) return;
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  next_ = nullptr;
  previous_ = nullptr;
}

void TimerWheel::arm(Timer& timer, std::uint64_t now_ns, std::uint64_t delay_ms) {
  timer.disarm();
  const std::uint64_t due_ns = now_ns + delay_ms * 1'000'000;
  timer.tick_ = std::max((due_ns + tick_ns - 1) / tick_ns, tick_ + 1);
  insert(timer);
}

void TimerWheel::insert(Timer& timer) {
  const std::uint64_t turn = timer.tick_ >> slot_bits;
  const std::uint64_t turn_now = tick_ >> slot_bits;
  Timer** slot = nullptr;
  if (turn == turn_now) {
    const std::uint64_t index = timer.tick_ % slot_count;
    slot = &near_[index];
    occupied_[index / 64] |= 1ULL << (index % 64);
  } else {  // beyond the far level's reach: parked in its last slot and looked at again then
    slot = &far_[std::min(turn, turn_now + slot_count - 1) % slot_count];
  }
  timer.next_ = *slot;
  timer.previous_ = slot;
  if (*slot != nullptr) (*slot)->previous_ = &timer.next_;
  *slot = &timer;
}

void TimerWheel::cascade() {
  Timer* list = std::exchange(far_[(tick_ >> slot_bits) % slot_count], nullptr);
  while (list != nullptr) {
    Timer& timer = *list;
    list = timer.next_;
    timer.next_ = nullptr;
    timer.previous_ = nullptr;
    insert(timer);
  }
}

void TimerWheel::run_slot(std::uint64_t slot) {
  while (near_[slot] != nullptr) {
    Timer& timer = *near_[slot];
    timer.disarm();
    timer.handler_(timer);
  }
}

void TimerWheel::advance(std::uint64_t now_ns) {
  const std::uint64_t target = now_ns / tick_ns;
  while (tick_ < target) {
    ++tick_;
    if (tick_ % slot_count == 0) cascade();
    run_slot(tick_ % slot_count);
  }
}

std::uint64_t TimerWheel::next_near_tick() {
  const std::uint64_t first = (tick_ + 1) % slot_count;
  if (first == 0) return never;
  for (std::uint64_t word = first / 64; word < occupied_.size(); ++word) {
    std::uint64_t bits = occupied_[word];
    if (word == first / 64) bits &= ~0ULL << (first % 64);
    while (bits != 0) {
      const auto slot = word * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
      if (near_[slot] != nullptr) return tick_ + 1 + (slot - first);
      occupied_[word] &= ~(1ULL << (slot % 64));
      bits &= bits - 1;
    }
  }
  return never;
}

std::uint64_t TimerWheel::next_ns(std::uint64_t now_ns) {
  // The far level is due when this turn ends, whether or not it holds anything: once in 4 s.
  const std::uint64_t turn_end = ((tick_ >> slot_bits) + 1) << slot_bits;
  const std::uint64_t due_ns = std::min(next_near_tick(), turn_end) * tick_ns;
  return due_ns > now_ns ? due_ns - now_ns : 0;
}

}  // namespace millrace::engine
