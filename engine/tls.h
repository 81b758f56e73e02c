// What a server shows of itself to TLS clients: a certificate chain with its key, checked and made
// ready. OpenSSL 3.0 stays behind this header and tls_session.h.
// Invariant: a TlsContext never changes; a reload replaces it, and connections that are open go on
// with the one that they began with.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

struct ssl_ctx_st;

namespace millrace::engine {

// Why a pair of files is not taken, for a person.
struct TlsRefusal {
  enum class File : std::uint8_t { certificate, key };
  File file = File::certificate;
  std::string why;
};

// TLS 1.2 (RFC 5246, with forward secrecy and authenticated encryption only) and 1.3 (RFC 8446),
// ALPN http/1.1 (RFC 7301), tickets without state, neither renegotiation nor compression. A handle
// of something that all threads share.
class TlsContext {
 public:
  // PEM: the server's certificate with those between it and the root behind it, and its key,
  // without a pass phrase.
  static std::expected<TlsContext, TlsRefusal> make(std::string_view certificate_pem,
                                                    std::string_view key_pem);
  TlsContext() = default;
  TlsContext(TlsContext&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  TlsContext& operator=(TlsContext&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
  }
  ~TlsContext();

  // Another handle of the same.
  TlsContext share() const;
  ssl_ctx_st* get() const { return context_; }

  // Of the server's own certificate: seconds since 1970 at which it ends, and its name ("CN=a").
  std::int64_t expires_at() const;
  std::string subject() const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_ = nullptr;
};

// The context that new connections begin with. Any thread may ask and any may replace it: once a
// connection, never once a request.
class TlsIdentity {
 public:
  explicit TlsIdentity(TlsContext first);
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  TlsContext current() const;
  void replace(TlsContext next);
  std::int64_t expires_at() const { return expires_at_.load(std::memory_order_relaxed); }

 private:
  mutable std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  TlsContext context_;
  std::atomic<std::int64_t> expires_at_;
};

}  // namespace millrace::engine
