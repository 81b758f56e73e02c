// Entries of an open directory, one after another, in the filesystem's order. Reading moves the
// descriptor's position. Owned by the request.
#pragma once

#include "engine/file.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

struct DirectoryEntry {
  const char* name = nullptr;  // NUL-terminated; valid until the next call
  unsigned char type = 0;      // DT_*; DT_UNKNOWN where the filesystem does not tell
  std::string_view view() const { return name; }
};

class DirectoryReader {
 public:
  explicit DirectoryReader(int fd) : fd_(fd), buffer_(buffer_bytes) {}

  // Nothing at the end. "." and ".." are left out.
  engine::Task<engine::Result<std::optional<DirectoryEntry>>> next();

 private:
  static constexpr std::size_t buffer_bytes = 32 * 1024;

  const int fd_;
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

}  // namespace millrace::s3::store
