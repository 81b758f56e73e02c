// The seam: everything that the engine asks of the kernel passes here (submit, complete,
// time, and the few calls that can't block). Which Ring a program gets is chosen when it is
// linked: ring_uring.cpp in the server, the seeded fake in tests. Owned by one thread.
//
// Contract: what a Request points to stays alive and untouched until the Completion has been
// called for the last time (Outcome::more is false). Completions never run inside submit().
#pragma once

#include "engine/error.h"

#include <linux/openat2.h>
#include <linux/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace millrace::engine {

// What became of a request. A multishot request has several outcomes, all but the last with
// `more`.
struct Outcome {
  std::int32_t result = 0;  // as of the system call: negative errno on failure
  bool more = false;
  bool has_buffer = false;
  std::uint16_t buffer = 0;  // of a multishot receive: the receive buffer that was filled
};

// Embedded in whatever waits. Immovable from submit() until its last outcome.
struct Completion {
  using Handler = void (*)(Completion& self, Outcome outcome);
  explicit Completion(Handler handler_in) : handler(handler_in) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  Handler handler;
};

enum class Action : std::uint8_t {
  nop,
  accept_multishot,   // fd: listener; result: connected descriptor
  receive_multishot,  // fd; fills receive buffers
  receive,            // fd, address, length
  poll,               // fd; flags: POLLIN or POLLOUT, once
  connect,            // fd, address: sockaddr, length
  read,               // fd, address, length, offset; flags: 1 to go to a worker at once
  write,              // fd, address, length, offset
  fsync,              // fd; flags: 1 for data only
  allocate,           // fd, offset, extra: bytes; flags: FALLOC_*
  open,               // fd: directory, path, address: open_how
  close,              // fd; flags: 1 to go to a worker at once
  stat,               // fd, path, flags: AT_*, length: STATX_* mask, address: struct statx
  get_attribute,      // fd, path: name, address, length
  set_attribute,      // fd, path: name, address, length; flags: XATTR_*
  link,               // fd, path, fd2, path2; flags: AT_*
  rename,             // fd, path, fd2, path2; flags: RENAME_*
  unlink,             // fd, path; flags: AT_REMOVEDIR
  make_directory,     // fd, path; flags: mode
  cancel,             // address: the Completion to cancel; its own outcome still comes
  message,            // fd: another ring; address: a Completion of that ring, length: its result
  call,               // run on a worker: `call(argument)` returns >= 0 or a negative errno
};

struct Request {
  Action action = Action::nop;
  int fd = -1;
  int fd2 = -1;
  std::uint32_t flags = 0;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
  std::uint64_t extra = 0;
  void* address = nullptr;
  const char* path = nullptr;
  const char* path2 = nullptr;
  long (*call)(void* argument) = nullptr;  // with address as its argument
};

struct RingOptions {
  bool receive_buffers = true;
  unsigned worker_threads = 4;
};

class Ring {
 public:
  struct State;

  // Must be made on the thread that will use it (IORING_SETUP_SINGLE_ISSUER).
  static Result<std::unique_ptr<Ring>> create(const RingOptions& options);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void submit(Completion& completion, const Request& request);

  // Submits what is queued, waits up to `wait_ns` for an outcome (0: only looks), stores the
  // monotonic time in `now_ns`, then calls the handlers of what has completed.
  void turn(std::uint64_t wait_ns, std::uint64_t& now_ns);

  // The bytes of a receive buffer, and its return to the kernel.
  std::byte* receive_buffer(std::uint16_t id);
  void return_receive_buffer(std::uint16_t id);

  // For Action::message from other rings, and for wake() from threads without one.
  int descriptor() const;
  // Callable from any thread: ends a waiting turn().
  void wake();

  std::uint64_t monotonic_ns() const;
  std::uint64_t wall_ns() const;  // since 1970, UTC

  // Calls that don't block, on the calling thread. Results as of the system call, negative
  // errno on failure; -EAGAIN means: submit the same as a request instead.
  int open_cached(int directory, const char* path, const open_how& how);
  std::int64_t read_cached(int fd, std::span<std::byte> into, std::uint64_t offset);
  // True when the range is in the page cache and nothing of it is still being read, as far as
  // cachestat(2) and samples tell (kernel 6.5; before it, always false). bytes > 0. The samples
  // cost a sixth of sending the range; who has seen it settled before may do without.
  bool resident(int fd, std::uint64_t offset, std::uint64_t bytes, bool settled);
  std::int64_t send_file(int socket, int fd, std::uint64_t offset, std::size_t bytes);
  std::int64_t send_now(int socket, std::span<const std::byte> bytes, bool more);
  int stat_open(int fd, struct statx& out);  // basic fields and the time of birth
  std::int64_t get_attribute_open(int fd, const char* name, std::span<std::byte> into);
  int close_now(int fd);
  // shutdown(2) of a connected socket. Not a request: the kernel runs that on a worker, by when
  // the descriptor's number may belong to another connection.
  int shut_down(int socket, int how);

  // Directory watches (inotify): every change of a watched directory's entries is queued inside
  // the call that makes it, so what watch_read() has not given is younger than its call.
  int watch_open();
  // The watch's number, the same for the same directory; what changes from now on is queued: in
  // the directory, or only the directory's own moving or going. ENOSPC: the user's limit.
  enum class WatchFor : std::uint8_t { entries, place };
  int watch_add(int watcher, int directory, WatchFor what);
  int watch_remove(int watcher, int watch);
  // Whole struct inotify_event records; -EAGAIN when there are none.
  std::int64_t watch_read(int watcher, std::span<std::byte> into);
  // A descriptor of this process's table of mounts, for watch_news().
  int watch_mounts();
  // Whether watch_read() would give something, and whether anything was mounted or unmounted
  // since the last call.
  struct WatchNews {
    bool events = false;
    bool mounts = false;
  };
  WatchNews watch_news(int watcher, int mounts);

 private:
  explicit Ring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::engine
