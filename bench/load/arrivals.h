// When the requests of an open loop are due: known from the start, whatever the server does, so
// that a server that stalls is charged for everybody who had to wait. Pure.
#pragma once

#include "bench/load/random.h"
#include "bench/load/settings.h"

#include <cmath>
#include <cstdint>

namespace millrace::bench {

class Arrivals {
 public:
  // `rate` is this thread's share, a second; threads take turns by their number.
  Arrivals(const Settings& settings, unsigned stream, std::uint64_t start_ns)
      : poisson_(settings.arrival == Arrival::poisson),
        start_ns_(start_ns),
        gap_ns_(1e9 * settings.streams() / settings.rate),
        random_(mix_numbers(mix_numbers(settings.seed, 0x61727276), stream)),
        at_ns_(gap_ns_ * (poisson_ ? 0 : stream) / settings.streams()) {
    if (poisson_) at_ns_ += gap();
  }

  std::uint64_t next_ns() const { return start_ns_ + static_cast<std::uint64_t>(at_ns_); }
  void take() {
    at_ns_ += poisson_ ? gap() : gap_ns_;  // a double: wrong by microseconds after a day
  }

 private:
  double gap() { return -gap_ns_ * std::log(random_.fraction()); }

  const bool poisson_;
  const std::uint64_t start_ns_;
  const double gap_ns_;
  Random random_;
  double at_ns_;
};

}  // namespace millrace::bench
