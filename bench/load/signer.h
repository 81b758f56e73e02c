// Signature Version 4 for a generator: the key of the day is derived once, the text that is hashed
// is built in one buffer that is kept, and only host and x-amz-* headers are signed, which is what
// S3 wants. Owned by one thread.
#pragma once

#include "s3/auth/sign.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::bench {

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

// As it is signed and as it is sent: `path` and `query` are encoded, the query's parameters in
// order, each with its '='.
struct SignedParts {
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::string_view query;
  std::string_view payload = unsigned_payload;  // or 64 hexadecimal digits
};

class Signer {
 public:
  explicit Signer(const s3::SigningIdentity& who) : who_(who) {}

  // Appends x-amz-content-sha256, x-amz-date and Authorization as lines of a head.
  void append(std::string& head, const SignedParts& parts, std::int64_t unix_seconds);

 private:
  void set_time(std::int64_t unix_seconds);

  const s3::SigningIdentity& who_;
  std::int64_t unix_seconds_ = -1;
  std::string timestamp_;
  std::string scope_;
  s3::SigningKey key_{};
  std::string text_;
};

}  // namespace millrace::bench
