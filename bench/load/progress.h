// One line each second while a run goes on, from the seconds that the threads have finished.
// Main thread.
#pragma once

#include "bench/load/phase.h"

#include <cstddef>

namespace millrace::bench {

class ProgressLines final : public PhaseWatcher {
 public:
  void look(std::span<Worker* const> workers) override;

 private:
  std::size_t shown_ = 0;
};

}  // namespace millrace::bench
