// The TLS of one connection: turns what its Stream has received into plaintext and what is sent
// into records. Calls nothing that waits; whoever needs more, or room, is told so. Owned by its
// Stream.
// Invariant: what the socket did not take lies in unsent_, at most a few records; nobody encrypts
// more before it is gone.
#pragma once

#include "engine/buffer_pool.h"
#include "engine/error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct ssl_st;

namespace millrace::engine {

class Stream;
class TlsContext;

class TlsSession {
 public:
  enum class Step : std::uint8_t {
    done,
    starved,  // wants more from the peer
    ended,    // the peer has said that it sends no more (close_notify)
    failed,   // for good: error() says why
  };

  // The context may go; the session keeps what it needs of it. Null when memory is out.
  static std::unique_ptr<TlsSession> create(const TlsContext& context, Stream& stream);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Step handshake();

  // Plaintext that nobody has taken yet.
  std::span<const std::byte> plain() const { return {plain_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  // Decrypts into plain(), which must be empty.
  Step decrypt();
  // Decrypts into `into`, while plain() is empty; `bytes` tells how much.
  Step read(std::span<std::byte> into, std::size_t& bytes);

  // Encrypts and sends until the socket takes no more: how much of `bytes` was taken. `more`:
  // further bytes follow at once.
  Result<std::size_t> write(std::span<const std::byte> bytes, bool more);
  bool flushed() const { return unsent_.empty(); }
  // Sends what was left over: true when all of it is gone, false when the socket is full.
  Result<bool> flush();

  // Tells the peer that nothing more will come (close_notify), if there is room to.
  void notify_close();

  Error error() const { return error_; }
  const char* reason() const { return reason_; }  // of a failure, for the log; never null
  bool resumed() const;

 private:
  friend struct TlsTransport;

  explicit TlsSession(Stream& stream) : stream_(stream) {}
  Step outcome(int result);
  bool put(std::span<const std::byte> ciphertext);
  void keep_record_buffers(bool keep);

  Stream& stream_;
  ssl_st* ssl_ = nullptr;
  Buffer plain_;  // held only while something is in it
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::vector<std::byte> unsent_;
  std::size_t unsent_begin_ = 0;
  Error error_{Errc::malformed, 0};
  const char* reason_ = "";
  bool more_ = false;
  bool keeps_record_buffers_ = false;
  bool broken_ = false;
  bool notified_ = false;
};

}  // namespace millrace::engine
