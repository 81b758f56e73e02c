// One connected socket. Bytes come in by a multishot receive into the shard's receive buffers,
// which stops when too much is unread; large bodies are received straight into the caller's
// buffer. Owned by one coroutine of one shard; close() must have finished before it goes.
#pragma once

#include "engine/descriptor.h"
#include "engine/limits.h"
#include "engine/operation.h"

#include <cstddef>
#include <span>

namespace millrace::engine {

// How much of a file's front has been in the page cache: found there by name (looked), and with
// nothing of it still being read (settled). Kept by whoever has the file open, from send to send:
// the first believed for a time after it was begun, the second after any part was looked at.
struct Cached {
  std::uint64_t looked_bytes = 0;
  std::uint64_t looked_ns = 0;
  std::uint64_t settled_bytes = 0;
  std::uint64_t settled_ns = 0;
};

// How the bytes of a file may reach the socket.
struct FileSource {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool local = false;        // on a filesystem whose cached pages can be sent without waiting
  Cached* cached = nullptr;  // of the same open file; lives until the send is done
};

class Stream {
 public:
  explicit Stream(Descriptor socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int fd() const { return socket_.get(); }

  // The next received bytes; empty when there are none yet. Valid until consume().
  std::span<const std::byte> available() const;
  void consume(std::size_t bytes);

  // co_await: until available() has something (true) or the peer has ended its side (false).
  struct Readable {
    Stream& stream;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> self) { stream.wait(self, Awaited::bytes); }
    Result<bool> await_resume();
  };
  Readable readable() { return Readable{*this}; }

  // Fills `into`: the count is short only when the peer ended its side. Large pieces do not
  // pass through the receive buffers.
  Task<Result<std::size_t>> read(std::span<std::byte> into);

  // All of it, or an error. `more`: further bytes follow at once (MSG_MORE).
  Task<Result<>> send(std::span<const std::byte> bytes, bool more = false);
  // All of it, or an error; Errc::eof when the file has become shorter.
  Task<Result<>> send_file(FileSource source);

  // When the time is over the socket is shut down, for receiving only or both ways, which ends
  // every wait for it; timed_out() then tells why. One deadline at a time. Bytes that are sent
  // begin it anew.
  void arm_receive_deadline(std::uint64_t delay_ms);
  void arm_deadline(std::uint64_t delay_ms);
  void disarm_deadline() { deadline_.disarm(); }
  bool timed_out() const { return timed_out_; }

  // Ends both directions at once; waits end soon after.
  void shut_down();
  // Tells the peer that nothing more will be sent.
  void shut_down_sending();
  // Ends the receive, gives every buffer back and closes the socket.
  Task<void> close();

 private:
  struct Pump : Completion {
    explicit Pump(Stream& owner) : Completion(&Stream::on_receive), stream(owner) {}
    Stream& stream;
  };
  struct Deadline : Timer {
    explicit Deadline(Stream& owner) : Timer(&Stream::on_deadline), stream(owner) {}
    Stream& stream;
  };
  struct Retry : Timer {
    explicit Retry(Stream& owner) : Timer(&Stream::on_retry), stream(owner) {}
    Stream& stream;
  };
  enum class Awaited : std::uint8_t { bytes, receive_end };

  static void on_receive(Completion& self, Outcome outcome);
  static void on_deadline(Timer& self);
  static void on_retry(Timer& self);

  void arm_receive();
  void stop_receive();
  void wait(std::coroutine_handle<> self, Awaited awaited);
  void take(std::uint16_t buffer, std::size_t bytes);
  void receive_failed(int errnum);
  void settle();
  void sent_some();
  Task<void> receive_stopped();
  Task<Result<std::size_t>> receive_directly(std::span<std::byte> into);
  Task<Result<>> writable();
  static bool is_cached(const FileSource& source, std::size_t piece, Cached& cached);
  Task<Result<>> send_copied(FileSource& source, std::size_t bytes);

  Descriptor socket_;
  Pump pump_;
  Deadline deadline_;
  Retry retry_;
  std::coroutine_handle<> waiter_;
  Result<> failure_;
  std::size_t backlog_bytes_ = 0;
  std::uint64_t deadline_ms_ = 0;
  // Received and unread: a chain of receive buffers through Shard::received().
  std::uint16_t first_ = 0;
  std::uint16_t last_ = 0;
  std::uint16_t count_ = 0;
  Awaited awaited_ = Awaited::bytes;
  bool armed_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  bool timed_out_ = false;
  bool deadline_both_ways_ = false;
};

}  // namespace millrace::engine
