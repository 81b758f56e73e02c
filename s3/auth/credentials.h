// Who may sign requests, and with which secret.
// Thread: a CredentialTable is immutable once built, so any thread may look up in it.
// Invariant: a Principal found stays valid as long as the table it came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3 {

struct Principal {
  std::string access_key;
  std::string secret_key;
  std::string name;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  bool root = false;
  // Not empty for temporary credentials: requests must then carry this X-Amz-Security-Token.
  std::string session_token;
};

// A borrowed way to look up a principal; trivially copyable. The context must outlive it.
class CredentialSource {
 public:
  // Null when there is no such key. Must not allocate or block.
  using Find = const Principal* (*)(const void* context, std::string_view access_key);

  constexpr CredentialSource(const void* context, Find find) : context_(context), find_(find) {}
  const Principal* find(std::string_view access_key) const { return find_(context_, access_key); }

 private:
  const void* context_;
  Find find_;
};

class CredentialTable final {
 public:
  CredentialTable() = default;
  // Of two principals with one access key the first stays.
  explicit CredentialTable(std::vector<Principal> principals);

  const Principal* find(std::string_view access_key) const;
  std::size_t size() const { return principals_.size(); }
  // Valid as long as the table is neither moved nor destroyed.
  CredentialSource source() const;

 private:
  std::vector<Principal> principals_;  // sorted by access_key, no two alike
};

}  // namespace millrace::s3
