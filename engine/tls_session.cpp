// See tls_session.h. OpenSSL reads and writes through a BIO of ours: it takes ciphertext straight
// from the stream's receive buffers, and its records go straight to the socket.
#include "engine/tls_session.h"

#include "engine/stream.h"
#include "engine/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

namespace millrace::engine {

namespace {
constexpr std::size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;  // RFC 8446, section 5.1
}  // namespace

// What the BIO calls. 1 is success; 0 with the retry flag means: nothing there, or no room.
struct TlsTransport {
  static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  // The end of what the peer sends is not told to OpenSSL, which would refuse to send after it;
  // the stream looks for it when the session is starved.
  static int read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    Stream& stream = session(bio).stream_;
    *got = 0;
    while (*got < size) {
      const auto ready = stream.received();
      if (ready.empty()) break;
      const std::size_t piece = std::min(ready.size(), size - *got);
      std::memcpy(into + *got, ready.data(), piece);
      stream.drop_received(piece);
      *got += piece;
    }
    if (*got > 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* put) {
    BIO_clear_retry_flags(bio);
    *put = 0;
    if (!session(bio).put(std::as_bytes(std::span(bytes, size)))) return 0;
    *put = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* one = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      CHECK(one != nullptr);
      BIO_meth_set_read_ex(one, read);
      BIO_meth_set_write_ex(one, write);
      BIO_meth_set_ctrl(one, control);
      return one;
    }();
    return made;
  }
};

std::unique_ptr<TlsSession> TlsSession::create(const TlsContext& context, Stream& stream) {
  ERR_clear_error();
  auto session = std::unique_ptr<TlsSession>(new TlsSession(stream));
  session->ssl_ = SSL_new(context.get());
  BIO* const bio = BIO_new(TlsTransport::method());
  if (session->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_, bio, bio);
  SSL_set_accept_state(session->ssl_);
  return session;
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

TlsSession::Step TlsSession::outcome(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE: return Step::done;
    case SSL_ERROR_WANT_READ: return Step::starved;
    case SSL_ERROR_ZERO_RETURN: return Step::ended;
    default: break;
  }
  broken_ = true;
  if (const char* text = ERR_reason_error_string(ERR_peek_last_error())) reason_ = text;
  ERR_clear_error();
  return Step::failed;
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  more_ = false;
  return outcome(SSL_do_handshake(ssl_));
}

void TlsSession::consume(std::size_t bytes) {
  CHECK(bytes <= end_ - begin_);
  begin_ += static_cast<std::uint32_t>(bytes);
  if (begin_ < end_) return;
  begin_ = end_ = 0;
  plain_.reset();
}

// OpenSSL gives its buffers for records back after each record. While one follows another that
// costs more than the memory: an allocator hands out another one each time, out of the caches.
void TlsSession::keep_record_buffers(bool keep) {
  if (keep == keeps_record_buffers_) return;
  keeps_record_buffers_ = keep;
  if (keep) {
    SSL_clear_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
  } else {
    SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
  }
}

TlsSession::Step TlsSession::read(std::span<std::byte> into, std::size_t& bytes) {
  CHECK(begin_ == end_);
  bytes = 0;
  if (broken_) return Step::failed;
  keep_record_buffers(into.size() >= record_bytes_max);
  ERR_clear_error();
  more_ = false;
  return outcome(SSL_read_ex(ssl_, into.data(), into.size(), &bytes));
}

TlsSession::Step TlsSession::decrypt() {
  if (!plain_) plain_ = Shard::current().plain_blocks().try_acquire();
  if (!plain_) {
    error_ = {Errc::exhausted, 0};
    broken_ = true;
    return Step::failed;
  }
  std::size_t bytes = 0;
  const Step step = read(plain_.bytes(), bytes);
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(bytes);
  if (bytes == 0) plain_.reset();
  return step;
}

// What does not fit into the socket is kept, so that OpenSSL has never half a record to remember.
// False when the connection is broken or its peer makes us answer without ever reading it.
bool TlsSession::put(std::span<const std::byte> ciphertext) {
  Ring& ring = Shard::current().ring();
  while (unsent_.empty() && !ciphertext.empty()) {
    const auto sent = ring.send_now(stream_.fd(), ciphertext, more_);
    if (sent == -EINTR) continue;
    if (sent == -EAGAIN) break;
    if (sent < 0) {
      error_ = Error::from_result(static_cast<int>(sent));
      return false;
    }
    ciphertext = ciphertext.subspan(static_cast<std::size_t>(sent));
  }
  if (unsent_.size() + ciphertext.size() > limits::tls_unsent_bytes_max) return false;
  unsent_.insert(unsent_.end(), ciphertext.begin(), ciphertext.end());
  return true;
}

Result<std::size_t> TlsSession::write(std::span<const std::byte> bytes, bool more) {
  std::size_t done = 0;
  while (done < bytes.size() && unsent_.empty()) {
    if (broken_) return std::unexpected(error_);
    const std::size_t piece = std::min(bytes.size() - done, record_bytes_max);
    more_ = more || done + piece < bytes.size();
    keep_record_buffers(more_);
    ERR_clear_error();
    std::size_t taken = 0;
    const Step step = outcome(SSL_write_ex(ssl_, bytes.data() + done, piece, &taken));
    // It waits for nobody after the handshake: anything else is the end of the connection.
    if (step != Step::done) broken_ = true;
    if (broken_) return std::unexpected(error_);
    done += taken;
  }
  return done;
}

Result<bool> TlsSession::flush() {
  Ring& ring = Shard::current().ring();
  while (unsent_begin_ < unsent_.size()) {
    const auto sent = ring.send_now(stream_.fd(), std::span(unsent_).subspan(unsent_begin_), false);
    if (sent == -EINTR) continue;
    if (sent == -EAGAIN) return false;
    if (sent < 0) {
      broken_ = true;
      error_ = Error::from_result(static_cast<int>(sent));
      return std::unexpected(error_);
    }
    unsent_begin_ += static_cast<std::size_t>(sent);
  }
  unsent_begin_ = 0;
  unsent_ = std::vector<std::byte>();  // {} would keep the memory
  return true;
}

void TlsSession::notify_close() {
  if (broken_ || notified_ || SSL_is_init_finished(ssl_) != 1) return;
  notified_ = true;
  more_ = false;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSession::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

}  // namespace millrace::engine
