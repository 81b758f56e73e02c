// See tls.h. Contexts are made by the main thread at start and by whoever watches the files.
#include "engine/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace millrace::engine {

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// AES with 128 bits first: out of reach as well, and a fifth quicker than with 256.
constexpr const char* suites_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* suites_12 =
    "ECDHE+AESGCM+AES128:ECDHE+AESGCM+AES256:ECDHE+CHACHA20:!aNULL:!eNULL";
// RSA keys of 2,048 bits and more, no SHA-1 (Debian's own level).
constexpr int security_level = 2;

// What OpenSSL said last on this thread, in its words.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text == nullptr ? "OpenSSL does not say why" : text;
}

std::unexpected<TlsRefusal> refuse(TlsRefusal::File file, std::string why) {
  ERR_clear_error();
  return std::unexpected(TlsRefusal{file, std::move(why)});
}

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int refuse_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// RFC 7301, section 3.2: who offers protocols, but not this one, is told so by an alert.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_bytes, ours,
                                          sizeof ours - 1, offered, offered_bytes);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool configure(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no buffers for records.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets hold the sessions
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(context, suites_13) == 1 &&
         SSL_CTX_set_cipher_list(context, suites_12) == 1;
}

std::expected<void, TlsRefusal> take_chain(SSL_CTX* context, std::string_view pem) {
  using enum TlsRefusal::File;
  const Bio bio = reader_of(pem);
  const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!own) return refuse(certificate, "holds no certificate in PEM form");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return refuse(certificate, reason());
  for (;;) {
    Certificate above(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!above) break;
    if (SSL_CTX_add0_chain_cert(context, above.get()) != 1) return refuse(certificate, reason());
    std::ignore = above.release();
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return refuse(certificate, "is broken after its first certificate: " + reason());
  }
  ERR_clear_error();
  return {};
}

std::expected<void, TlsRefusal> take_key(SSL_CTX* context, std::string_view pem) {
  const auto file = TlsRefusal::File::key;
  const Bio bio = reader_of(pem);
  bool asked = false;
  const Key own(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_pass_phrase, &asked));
  if (!own && asked) return refuse(file, "is encrypted with a pass phrase");
  if (!own) return refuse(file, "holds no private key in PEM form");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), own.get()) != 1) {
    return refuse(file, "does not belong to the certificate");
  }
  if (SSL_CTX_use_PrivateKey(context, own.get()) != 1) return refuse(file, reason());
  return {};
}

}  // namespace

std::expected<TlsContext, TlsRefusal> TlsContext::make(std::string_view certificate_pem,
                                                       std::string_view key_pem) {
  ERR_clear_error();
  TlsContext made(SSL_CTX_new(TLS_server_method()));
  if (made.context_ == nullptr || !configure(made.context_)) {
    return refuse(TlsRefusal::File::certificate, "OpenSSL can't serve TLS here: " + reason());
  }
  if (auto chain = take_chain(made.context_, certificate_pem); !chain) {
    return std::unexpected(std::move(chain.error()));
  }
  if (auto key = take_key(made.context_, key_pem); !key) {
    return std::unexpected(std::move(key.error()));
  }
  return made;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsContext TlsContext::share() const {
  if (context_ != nullptr) SSL_CTX_up_ref(context_);
  return TlsContext(context_);
}

std::int64_t TlsContext::expires_at() const {
  const X509* own = SSL_CTX_get0_certificate(context_);
  tm end{};
  if (own == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(own), &end) != 1) return 0;
  return ::timegm(&end);
}

std::string TlsContext::subject() const {
  const X509* own = SSL_CTX_get0_certificate(context_);
  const Bio bio(BIO_new(BIO_s_mem()));
  if (own == nullptr || !bio) return {};
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(own), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

TlsIdentity::TlsIdentity(TlsContext first)
    : context_(std::move(first)), expires_at_(context_.expires_at()) {}

TlsContext TlsIdentity::current() const {
  while (busy_.test_and_set(std::memory_order_acquire)) {
  }
  TlsContext shared = context_.share();
  busy_.clear(std::memory_order_release);
  return shared;
}

void TlsIdentity::replace(TlsContext next) {
  expires_at_.store(next.expires_at(), std::memory_order_relaxed);
  while (busy_.test_and_set(std::memory_order_acquire)) {
  }
  std::swap(context_, next);
  busy_.clear(std::memory_order_release);
}

}  // namespace millrace::engine
