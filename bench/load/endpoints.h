// Which endpoint a connection goes to: each has a home, so that they are spread evenly; an endpoint
// that fails is left out for a time, then tried by one connection. Of one thread; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::bench {

class EndpointChoice {
 public:
  static constexpr std::uint64_t retry_ns = 1'000'000'000;

  explicit EndpointChoice(std::size_t count) : states_(count) {}

  // The home, or the next one after it that is not left out. Nothing when all are.
  std::optional<unsigned> choose(unsigned home, std::uint64_t now_ns) {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto index = static_cast<unsigned>((home + i) % states_.size());
      if (usable(index, now_ns)) {
        // Whoever asks first after the time tries; the others learn of it by reached().
        if (states_[index].down) states_[index].until_ns = now_ns + retry_ns;
        return index;
      }
    }
    return std::nullopt;
  }
  // Whether a connection that is elsewhere should go home.
  bool usable(unsigned index, std::uint64_t now_ns) const {
    return !states_[index].down || now_ns >= states_[index].until_ns;
  }
  void reached(unsigned index) { states_[index].down = false; }
  // True when it was not left out before.
  bool failed(unsigned index, std::uint64_t now_ns) {
    const bool was_up = !states_[index].down;
    states_[index] = {true, now_ns + retry_ns};
    return was_up;
  }

 private:
  struct State {
    bool down = false;
    std::uint64_t until_ns = 0;
  };
  std::vector<State> states_;
};

}  // namespace millrace::bench
