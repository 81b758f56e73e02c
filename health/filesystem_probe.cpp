// See filesystem_probe.h. The thread and its owner share one record; whoever leaves last frees
// it. The verdict is one atomic word, so state, error and time always belong together.
//
// A thread that sleeps in the kernel for ever (a FUSE mount whose server is gone can't even be
// killed) keeps the process's table of descriptors alive, and with it listening sockets and
// locks, after everything else has exited. So the probe's thread begins by taking a table of
// its own, which is empty but for 0 to 2.
#include "health/filesystem_probe.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace millrace::health {

namespace {

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// State in the lowest byte, errno in the next two, the time in milliseconds above them: 40 bits
// last for 34 years of uptime.
std::uint64_t pack(const Verdict& verdict) {
  return static_cast<std::uint64_t>(verdict.state) |
         static_cast<std::uint64_t>(static_cast<std::uint16_t>(verdict.errnum)) << 8 |
         verdict.since_ns / 1'000'000 << 24;
}

Verdict unpack(std::uint64_t word) {
  return {.state = static_cast<FilesystemState>(word & 0xff),
          .errnum = static_cast<int>(word >> 8 & 0xffff),
          .since_ns = (word >> 24) * 1'000'000};
}

FilesystemState state_of(int errnum) {
  switch (errnum) {
    case 0: return FilesystemState::ok;
    case EROFS: return FilesystemState::read_only;
    case ENOSPC:
    case EDQUOT: return FilesystemState::full;
    default: return FilesystemState::failed;
  }
}

std::string default_name() {
  char host[64] = "node";
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + "." + std::to_string(::getpid());
}

}  // namespace

std::string_view filesystem_state_name(FilesystemState state) {
  switch (state) {
    case FilesystemState::unknown: return "unknown";
    case FilesystemState::ok: return "ok";
    case FilesystemState::hung: return "hung";
    case FilesystemState::read_only: return "read_only";
    case FilesystemState::full: return "full";
    case FilesystemState::failed: return "failed";
  }
  return "unknown";
}

struct FilesystemProbe::Shared {
  explicit Shared(const ProbeOptions& options)
      : directory(options.directory),
        path(".millrace/health/" + (options.name.empty() ? default_name() : options.name)),
        interval(options.interval_ms),
        calls(*options.calls) {}

  void run();
  void round(std::uint64_t serial, int& held);
  void publish(int errnum, std::uint64_t now_ns);
  // Waits for the next round; false when there shall be none.
  bool pause();

  const std::string directory;
  const std::string path;
  const std::chrono::milliseconds interval;
  const ProbeCalls& calls;

  std::atomic<std::uint64_t> verdict{pack({})};
  std::atomic<std::uint64_t> begun_ns{0};  // of the round that runs; 0: none does
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> rounds_failed{0};
  std::atomic<std::uint64_t> duration_ns{0};
  std::atomic<int> holders{2};

  std::mutex mutex;  // never held during a call of `calls`
  std::condition_variable changed;
  bool stopping = false;
  bool ended = false;
};

void FilesystemProbe::Shared::run() {
  ::pthread_setname_np(::pthread_self(), "mr-probe");
  if (probe_leaves_descriptors) {
    // Refused by old sandboxes only; what is lost then is the freedom described above.
    [[maybe_unused]] const int taken = ::close_range(3, ~0U, CLOSE_RANGE_UNSHARE);
  }
  int held = -1;
  std::uint64_t serial = 0;
  do {
    round(++serial, held);
  } while (pause());
  if (held >= 0) calls.close(held);
}

void FilesystemProbe::Shared::round(std::uint64_t serial, int& held) {
  const std::uint64_t began = monotonic_ns();
  begun_ns.store(began, std::memory_order_release);
  if (held < 0) held = calls.open_directory(directory.c_str());
  const int errnum = held < 0 ? -held : probe_round(calls, held, path, serial);
  const std::uint64_t ended_ns = monotonic_ns();
  publish(errnum, ended_ns);
  duration_ns.store(ended_ns - began, std::memory_order_relaxed);
  rounds.fetch_add(1, std::memory_order_relaxed);
  if (errnum != 0) rounds_failed.fetch_add(1, std::memory_order_relaxed);
  begun_ns.store(0, std::memory_order_release);
}

void FilesystemProbe::Shared::publish(int errnum, std::uint64_t now_ns) {
  const Verdict before = unpack(verdict.load(std::memory_order_relaxed));
  const FilesystemState state = state_of(errnum);
  if (before.state == state && before.errnum == errnum) return;
  verdict.store(pack({state, errnum, now_ns}), std::memory_order_release);
}

bool FilesystemProbe::Shared::pause() {
  std::unique_lock lock(mutex);
  changed.wait_for(lock, interval, [this] { return stopping; });
  return !stopping;
}

FilesystemProbe::FilesystemProbe(const ProbeOptions& options)
    : directory_(options.directory),
      deadline_ns_(options.deadline_ms * 1'000'000),
      stop_ms_(options.stop_ms),
      shared_(new Shared(options)) {
  thread_ = std::thread([shared = shared_] {
    shared->run();
    {
      const std::lock_guard lock(shared->mutex);
      shared->ended = true;
      shared->changed.notify_all();
    }
    if (shared->holders.fetch_sub(1) == 1) delete shared;
  });
}

FilesystemProbe::~FilesystemProbe() {
  request_stop();
  bool ended = false;
  {
    std::unique_lock lock(shared_->mutex);
    ended = shared_->changed.wait_for(lock, std::chrono::milliseconds(stop_ms_),
                                      [this] { return shared_->ended; });
  }
  ended ? thread_.join() : thread_.detach();
  if (shared_->holders.fetch_sub(1) == 1) delete shared_;
}

void FilesystemProbe::request_stop() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
}

Verdict FilesystemProbe::verdict(std::uint64_t now_ns, std::uint64_t not_before_ns) const {
  std::uint64_t begun = shared_->begun_ns.load(std::memory_order_acquire);
  const Verdict cached = unpack(shared_->verdict.load(std::memory_order_acquire));
  if (begun == 0) return cached;
  begun = std::max(begun, not_before_ns);
  if (now_ns <= begun + deadline_ns_) return cached;
  return {FilesystemState::hung, 0, begun + deadline_ns_};
}

std::uint64_t FilesystemProbe::rounds() const {
  return shared_->rounds.load(std::memory_order_relaxed);
}
std::uint64_t FilesystemProbe::rounds_failed() const {
  return shared_->rounds_failed.load(std::memory_order_relaxed);
}
std::uint64_t FilesystemProbe::duration_ns() const {
  return shared_->duration_ns.load(std::memory_order_relaxed);
}

}  // namespace millrace::health
