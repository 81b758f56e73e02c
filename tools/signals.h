// The signals that a server listens to. Main thread; made before any other thread, which all
// inherit that they are blocked.
#pragma once

#include <signal.h>

#include <chrono>

namespace millrace::tools {

class Signals {
 public:
  // Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1, and ignores SIGPIPE.
  Signals();

  // Whether SIGTERM or SIGINT has come and waits to be taken.
  bool asked_to_stop() const;
  // Waits for the next one, and returns its number.
  int wait() const;
  // The same; 0 when there was none until then.
  int wait_until(std::chrono::steady_clock::time_point until) const;

 private:
  sigset_t set_;
};

}  // namespace millrace::tools
