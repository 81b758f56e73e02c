// Asks one filesystem every second whether it still works: stat, small write, fsync, read back,
// unlink. On a thread of its own, because any of these may hang for ever; whoever asks for the
// verdict reads atomics and waits for nothing. Made and destroyed by the main thread.
// Invariant: a probe that hangs delays neither verdict() nor, beyond stop_ms, the destructor.
#pragma once

#include "health/limits.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace millrace::health {

enum class FilesystemState : std::uint8_t {
  unknown,  // the first probe has not ended, and its deadline has not passed
  ok,
  hung,       // a probe runs for longer than its deadline
  read_only,  // EROFS
  full,       // ENOSPC or EDQUOT
  failed,     // any other error, or what was read back is not what was written (EBADMSG)
};
inline constexpr std::size_t filesystem_state_count = 6;
std::string_view filesystem_state_name(FilesystemState state);

struct Verdict {
  FilesystemState state = FilesystemState::unknown;
  int errnum = 0;              // of a failed probe
  std::uint64_t since_ns = 0;  // monotonic; when it became so
};

// Whether a probe's thread leaves the process's table of descriptors (see the .cpp). Not under
// ThreadSanitizer, which takes equal numbers in two tables for one descriptor.
#if defined(__has_feature) && __has_feature(thread_sanitizer)
inline constexpr bool probe_leaves_descriptors = false;
#else
inline constexpr bool probe_leaves_descriptors = true;
#endif

// What a probe asks of the system. Each returns 0 or a count, or a negative errno.
struct ProbeCalls {
  int (*open_directory)(const char* path);
  int (*stat)(int directory);
  int (*make_directory)(int directory, const char* path);
  // For reading and writing, made if it isn't there, emptied, not through a symbolic link.
  int (*open)(int directory, const char* path);
  std::int64_t (*write)(int fd, const char* bytes, std::size_t size);
  int (*sync)(int fd);
  std::int64_t (*read)(int fd, char* bytes, std::size_t size);
  int (*close)(int fd);
  int (*unlink)(int directory, const char* path);
};
extern const ProbeCalls system_probe_calls;

// One round below an open directory; `path` is that of the probe's file in it. 0 or an errno.
// Its folders are made when they aren't there. The file is unlinked whatever came before.
int probe_round(const ProbeCalls& calls, int directory, const std::string& path,
                std::uint64_t serial);

struct ProbeOptions {
  std::string directory;  // of the filesystem; opened once and held, as the server holds its own
  std::string name;       // of the probe's file; unique among nodes. Empty: HOST.PID
  std::uint64_t interval_ms = limits::probe_interval_ms;  // from the end of one to the next
  std::uint64_t deadline_ms = limits::probe_deadline_ms;
  std::uint64_t stop_ms = limits::probe_stop_ms;  // the most that the destructor waits
  const ProbeCalls* calls = &system_probe_calls;
};

class FilesystemProbe {
 public:
  explicit FilesystemProbe(const ProbeOptions& options);
  // A thread that hangs is left behind. It holds no descriptor of the process but standard
  // input and output and its own (see the .cpp), so no port or lock stays taken with it.
  ~FilesystemProbe();
  FilesystemProbe(const FilesystemProbe&) = delete;
  FilesystemProbe& operator=(const FilesystemProbe&) = delete;

  // Any thread. `now_ns` is monotonic. What began before `not_before_ns` counts as begun then:
  // the end of a pause of the whole process, which is no hang.
  Verdict verdict(std::uint64_t now_ns, std::uint64_t not_before_ns = 0) const;
  const std::string& directory() const { return directory_; }
  std::uint64_t rounds() const;         // that have ended
  std::uint64_t rounds_failed() const;  // of them
  std::uint64_t duration_ns() const;    // of the last that ended

  // Asks the thread to end, without waiting: before destroying several of them.
  void request_stop();

 private:
  struct Shared;

  const std::string directory_;
  const std::uint64_t deadline_ns_;
  const std::uint64_t stop_ms_;
  Shared* shared_;
  std::thread thread_;
};

}  // namespace millrace::health
