// See turns.h. Open-file-description locks, as the store's own (s3/store/key_locks.h).
#include "tools/sharing/turns.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace millrace::tools::sharing {
namespace {

constexpr unsigned bytes = 3;
constexpr std::chrono::milliseconds pause{2};

bool refused(int errnum) {
  return errnum == EAGAIN || errnum == EACCES;
}

}  // namespace

int Turns::lock(unsigned byte, short type) const {
  struct flock one = {};
  one.l_type = type;
  one.l_whence = SEEK_SET;
  one.l_start = byte;
  one.l_len = 1;
  return ::fcntl(file_.get(), F_OFD_SETLK, &one) < 0 ? errno : 0;
}

int Turns::begin() {
  held_ = static_cast<unsigned>(side_);
  return lock(held_, F_WRLCK);
}

int Turns::try_other() const {
  const unsigned other = 1U - static_cast<unsigned>(side_);
  const int errnum = lock(other, F_WRLCK);
  if (errnum == 0) return lock(other, F_UNLCK);
  return refused(errnum) ? EAGAIN : errnum;
}

int Turns::take(std::uint64_t wait_max_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_max_ms);
  for (;;) {
    const int errnum = lock((held_ + 1) % bytes, F_WRLCK);
    if (!refused(errnum)) return errnum;
    if (std::chrono::steady_clock::now() > deadline) return ETIMEDOUT;
    std::this_thread::sleep_for(pause);
  }
}

int Turns::pass() {
  const int errnum = lock(held_, F_UNLCK);
  held_ = (held_ + 1) % bytes;
  return errnum;
}

}  // namespace millrace::tools::sharing
