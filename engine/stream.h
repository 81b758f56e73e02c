// One connected socket. Bytes come in by a multishot receive into the shard's receive buffers,
// which stops when too much is unread; large bodies are received straight into the caller's
// buffer. Owned by one coroutine of one shard; close() must have finished before it goes.
// After secure() the same functions take and give plaintext, and the socket carries TLS.
#pragma once

#include "engine/descriptor.h"
#include "engine/limits.h"
#include "engine/operation.h"

#include <cstddef>
#include <memory>
#include <span>

namespace millrace::engine {

class TlsContext;
class TlsSession;

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

  // The server's side of a TLS handshake; before anything else, but what the peer may send ahead
  // of it has been consumed. False when what came first is no TLS: it is still there, unread, and
  // the stream stays clear. Errors: eof, malformed (a handshake that failed), the socket's. The
  // caller sets the deadline.
  Task<Result<bool>> secure(const TlsContext& context);
  // Why TLS failed, in OpenSSL's words; never null.
  const char* tls_reason() const;

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
  Task<Result<std::size_t>> read(std::span<std::byte> into) {
    return tls_ == nullptr ? read_clear(into) : read_secure(into);
  }

  // All of it, or an error. `more`: further bytes follow at once (MSG_MORE).
  Task<Result<>> send(std::span<const std::byte> bytes, bool more = false) {
    return tls_ == nullptr ? send_clear(bytes, more) : send_secure(bytes, more);
  }
  // All of it, or an error; Errc::eof when the file has become shorter.
  Task<Result<>> send_file(FileSource source) {
    return tls_ == nullptr ? send_file_clear(source) : send_file_secure(source);
  }

  // When the time is over the socket is shut down, for receiving only or both ways, which ends
  // every wait for it; timed_out() then tells why. One deadline at a time. Bytes that are sent
  // begin it anew.
  void arm_receive_deadline(std::uint64_t delay_ms);
  void arm_deadline(std::uint64_t delay_ms);
  void disarm_deadline() { deadline_.disarm(); }
  bool timed_out() const { return timed_out_; }

  // Whether the peer has ended its side, or the connection, as far as a turn of the shard before
  // this one knows. Listens for it from the first call on.
  bool ended();

  // Ends both directions at once; waits end soon after.
  void shut_down();
  // With TLS tells the peer that what it has got is all (close_notify), once the socket has room;
  // before shut_down_sending(), which does so only where there is room. The caller sets the
  // deadline.
  Task<void> announce_end();
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
  enum class Awaited : std::uint8_t { bytes, received, receive_end };
  // co_await: until received() has something or nothing more will come.
  struct Received {
    Stream& stream;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> self) { stream.wait(self, Awaited::received); }
    void await_resume() const {}
  };
  friend struct TlsTransport;
  friend class TlsSession;

  static void on_receive(Completion& self, Outcome outcome);
  static void on_deadline(Timer& self);
  static void on_retry(Timer& self);

  // What came from the socket, as it came; the first piece of it.
  std::span<const std::byte> received() const;
  void drop_received(std::size_t bytes);
  bool has_come(Awaited awaited);
  bool decrypted();

  void begin_receive();
  void arm_receive();
  void stop_receive();
  void wait(std::coroutine_handle<> self, Awaited awaited);
  void take(std::uint16_t buffer, std::size_t bytes);
  void receive_failed(int errnum);
  void settle();
  void sent_some();
  Task<void> receive_stopped();
  Task<Result<std::size_t>> receive_directly(std::span<std::byte> into);
  Task<Result<std::size_t>> read_clear(std::span<std::byte> into);
  Task<Result<std::size_t>> read_secure(std::span<std::byte> into);
  Task<Result<>> writable();
  Task<Result<>> send_clear(std::span<const std::byte> bytes, bool more);
  Task<Result<>> send_secure(std::span<const std::byte> bytes, bool more);
  Task<Result<>> send_file_clear(FileSource source);
  Task<Result<>> send_file_secure(FileSource source);
  Task<Result<>> flush_secure();
  static bool is_cached(const FileSource& source, std::size_t piece, Cached& cached);
  Task<Result<>> send_copied(FileSource& source, std::size_t bytes);

  Descriptor socket_;
  std::unique_ptr<TlsSession> tls_;  // null: clear
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
