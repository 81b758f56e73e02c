// The other side of a TLS connection, for tests: OpenSSL's client over a Stream that stays clear.
// And certificates to go with it.
#pragma once

#include "engine/tls.h"

#include "tests/engine/shard_driver.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>

namespace millrace::tests {

struct PemPair {
  std::string certificate;
  std::string key;
};

inline std::string pem_text(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string copy(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return copy;
}

inline std::string key_pem(EVP_PKEY* key, const char* pass_phrase = nullptr) {
  BIO* const bio = BIO_new(BIO_s_mem());
  const EVP_CIPHER* const cipher = pass_phrase == nullptr ? nullptr : EVP_aes_256_cbc();
  REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, pass_phrase,
                                        pass_phrase == nullptr ? 0 : 4, nullptr, nullptr) == 1);
  return pem_text(bio);
}

// A certificate that vouches for itself. `rsa_bits` of 0: a key on the curve P-256.
inline PemPair make_pair(const std::string& name, unsigned rsa_bits = 0,
                         const char* pass_phrase = nullptr) {
  EVP_PKEY* const key =
      rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
  REQUIRE(key != nullptr);
  X509* const one = X509_new();
  X509_set_version(one, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(one), 1);
  X509_gmtime_adj(X509_getm_notBefore(one), -3600);
  X509_gmtime_adj(X509_getm_notAfter(one), 3600);
  X509_set_pubkey(one, key);
  X509_NAME* const subject = X509_get_subject_name(one);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(one, subject);
  REQUIRE(X509_sign(one, key, EVP_sha256()) > 0);
  BIO* const bio = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_X509(bio, one) == 1);
  PemPair pair{pem_text(bio), key_pem(key, pass_phrase)};
  X509_free(one);
  EVP_PKEY_free(key);
  return pair;
}

inline engine::TlsContext make_context(const PemPair& pair) {
  auto made = engine::TlsContext::make(pair.certificate, pair.key);
  REQUIRE(made);
  return std::move(*made);
}

struct PeerOptions {
  int version = TLS1_3_VERSION;
  std::string protocols = "\x08http/1.1";  // as ALPN offers them
  SSL_SESSION* session = nullptr;          // to resume
  std::size_t segment_bytes = 1U << 20;    // what goes out in one send at most
};

class TlsPeer {
 public:
  explicit TlsPeer(engine::Stream& stream, const PeerOptions& options = {})
      : stream_(stream), segment_bytes_(options.segment_bytes) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, options.version);
    SSL_CTX_set_max_proto_version(context_, options.version);
    ssl_ = SSL_new(context_);
    if (!options.protocols.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_, options.session);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
  }
  ~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  SSL* ssl() const { return ssl_; }

  // False when the server refuses, or ends.
  engine::Task<bool> handshake() {
    for (;;) {
      ERR_clear_error();
      const int result = SSL_do_handshake(ssl_);
      const int error = SSL_get_error(ssl_, result);
      co_await flush();
      if (result == 1) co_return true;
      if (error != SSL_ERROR_WANT_READ || !co_await receive_some()) co_return false;
    }
  }

  engine::Task<> send(std::string_view text) {
    while (!text.empty()) {
      const auto piece = text.substr(0, 16'384);
      CHECK(SSL_write(ssl_, piece.data(), static_cast<int>(piece.size())) ==
            static_cast<int>(piece.size()));
      text.remove_prefix(piece.size());
      co_await flush();
    }
  }

  // Some plaintext; empty at the end: then `ended_well` tells whether the server said so.
  engine::Task<std::string> receive() {
    std::string text(16'384, '\0');
    for (;;) {
      ERR_clear_error();
      const int result = SSL_read(ssl_, text.data(), static_cast<int>(text.size()));
      const int error = SSL_get_error(ssl_, result);
      co_await flush();
      if (result > 0) {
        text.resize(static_cast<std::size_t>(result));
        co_return text;
      }
      ended_well = error == SSL_ERROR_ZERO_RETURN;
      if (error != SSL_ERROR_WANT_READ || !co_await receive_some()) co_return std::string();
    }
  }

  engine::Task<std::string> receive(std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      const std::string piece = co_await receive();
      if (piece.empty()) break;
      text += piece;
    }
    co_return text;
  }

  engine::Task<> notify_close() {
    SSL_shutdown(ssl_);
    co_await flush();
  }

  // What is to be sent, and sends it.
  std::string output() {
    std::string bytes(static_cast<std::size_t>(BIO_pending(out_)), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  engine::Task<> flush() {
    const std::string bytes = output();
    for (std::size_t done = 0; done < bytes.size(); done += segment_bytes_) {
      const auto piece = std::string_view(bytes).substr(done, segment_bytes_);
      std::ignore = co_await stream_.send(bytes_of(piece));
    }
  }

  bool ended_well = false;

 private:
  engine::Task<bool> receive_some() {
    const auto more = co_await stream_.readable();
    if (!more || !*more) co_return false;
    const auto ready = stream_.available();
    BIO_write(in_, ready.data(), static_cast<int>(ready.size()));
    stream_.consume(ready.size());
    co_return true;
  }

  engine::Stream& stream_;
  const std::size_t segment_bytes_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

}  // namespace millrace::tests
