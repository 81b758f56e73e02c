// Deadlines of one shard: a wheel of two levels. Arming and disarming are O(1); far deadlines
// are looked at again only every few seconds. A timer never fires early, and at most one
// tick late. Owned by its shard's thread.
#pragma once

#include <array>
#include <cstdint>

namespace millrace::engine {

// Intrusive. Immovable; disarmed when destroyed.
class Timer {
 public:
  using Handler = void (*)(Timer& self);
  explicit Timer(Handler handler) : handler_(handler) {}
  ~Timer() { disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return previous_ != nullptr; }
  void disarm();

 private:
  friend class TimerWheel;
  Handler handler_;
  Timer* next_ = nullptr;
  Timer** previous_ = nullptr;  // what points at this
  std::uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  static constexpr std::uint64_t tick_ns = 8'000'000;
  static constexpr std::uint64_t never = ~0ULL;

  explicit TimerWheel(std::uint64_t now_ns) : tick_(now_ns / tick_ns) {}

  // (Re)arms: the handler runs once, from advance(), when at least `delay_ms` have passed.
  void arm(Timer& timer, std::uint64_t now_ns, std::uint64_t delay_ms);

  // Runs what is due; handlers may arm and disarm any timer.
  void advance(std::uint64_t now_ns);

  // Nanoseconds until advance() may have something to do.
  std::uint64_t next_ns(std::uint64_t now_ns);

 private:
  static constexpr unsigned slot_bits = 9;
  static constexpr std::uint64_t slot_count = 1ULL << slot_bits;

  void insert(Timer& timer);
  void run_slot(std::uint64_t slot);
  void cascade();
  std::uint64_t next_near_tick();

  std::uint64_t tick_;                                     // the last tick that advance() has run
  std::array<std::uint64_t, slot_count / 64> occupied_{};  // near slots that may hold timers
  std::array<Timer*, slot_count> near_{};
  std::array<Timer*, slot_count> far_{};
};

}  // namespace millrace::engine
