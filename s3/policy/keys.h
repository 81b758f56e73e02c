// What a policy's conditions can ask of a request: the one table of condition keys. A policy with
// another key is refused. Constant data; any thread.
// Source: "AWS global condition context keys", "Condition keys for Amazon S3".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::s3::policy {

enum class KeyKind : std::uint8_t { text, number, boolean, time, address };

// X(identifier, name, kind)
// clang-format off
#define MILLRACE_POLICY_KEYS(X)                                                      \
  X(source_ip, "aws:SourceIp", address)                                              \
  X(referer, "aws:Referer", text)                                                    \
  X(user_agent, "aws:UserAgent", text)                                               \
  X(secure_transport, "aws:SecureTransport", boolean)                                \
  X(current_time, "aws:CurrentTime", time)                                           \
  X(epoch_time, "aws:EpochTime", time)                                               \
  X(prefix, "s3:prefix", text)                                                       \
  X(delimiter, "s3:delimiter", text)                                                 \
  X(max_keys, "s3:max-keys", number)                                                 \
  X(version_id, "s3:VersionId", text)                                                \
  X(auth_type, "s3:authType", text)                                                  \
  X(signature_version, "s3:signatureversion", text)                                  \
  X(acl, "s3:x-amz-acl", text)                                                       \
  X(content_sha256, "s3:x-amz-content-sha256", text)                                 \
  X(copy_source, "s3:x-amz-copy-source", text)                                       \
  X(metadata_directive, "s3:x-amz-metadata-directive", text)                         \
  X(encryption, "s3:x-amz-server-side-encryption", text)                             \
  X(storage_class, "s3:x-amz-storage-class", text)                                   \
  X(if_match, "s3:if-match", text)                                                   \
  X(if_none_match, "s3:if-none-match", text)
// clang-format on

enum class Key : std::uint8_t {
#define MILLRACE_POLICY_ENUMERATOR(identifier, name, kind) identifier,
  MILLRACE_POLICY_KEYS(MILLRACE_POLICY_ENUMERATOR)
#undef MILLRACE_POLICY_ENUMERATOR
};

inline constexpr std::size_t key_count = 0
#define MILLRACE_POLICY_COUNT(...) +1
    MILLRACE_POLICY_KEYS(MILLRACE_POLICY_COUNT)
#undef MILLRACE_POLICY_COUNT
    ;

using KeySet = std::uint32_t;  // a bit for each
static_assert(key_count <= 32);
constexpr KeySet bit_of(Key key) {
  return KeySet{1} << static_cast<unsigned>(key);
}

// Keys are compared without regard to case.
std::optional<Key> key_of_name(std::string_view name);
std::string_view key_name(Key key);
KeyKind kind_of(Key key);

}  // namespace millrace::s3::policy
