// See signals.h.
#include "tools/signals.h"

#include <algorithm>

namespace millrace::tools {

Signals::Signals() {
  ::signal(SIGPIPE, SIG_IGN);  // sendfile(2) has no flag that spares us it
  sigemptyset(&set_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

bool Signals::asked_to_stop() const {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

int Signals::wait() const {
  for (;;) {
    if (const int signal = ::sigwaitinfo(&set_, nullptr); signal > 0) return signal;
  }
}

int Signals::wait_until(std::chrono::steady_clock::time_point until) const {
  for (;;) {
    const auto left = std::max(until - std::chrono::steady_clock::now(),
                               std::chrono::steady_clock::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec pause{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    if (const int signal = ::sigtimedwait(&set_, nullptr, &pause); signal > 0) return signal;
    if (left == left.zero()) return 0;
  }
}

}  // namespace millrace::tools
