// See directory_reader.h. The layout of an entry is the kernel's struct linux_dirent64.
#include "s3/store/directory_reader.h"

#include <cstdint>
#include <cstring>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;

Task<Result<std::optional<DirectoryEntry>>> DirectoryReader::next() {
  constexpr std::size_t length_at = 16;  // behind d_ino and d_off
  constexpr std::size_t type_at = 18;
  constexpr std::size_t name_at = 19;
  for (;;) {
    if (at_ == end_) {
      const auto got = co_await engine::file::read_directory(fd_, buffer_);
      if (!got) co_return std::unexpected(got.error());
      if (*got == 0) co_return std::optional<DirectoryEntry>{};
      at_ = 0;
      end_ = *got;
    }
    const std::byte* entry = buffer_.data() + at_;
    std::uint16_t length = 0;
    std::memcpy(&length, entry + length_at, sizeof length);
    at_ += length;
    const DirectoryEntry found{.name = reinterpret_cast<const char*>(entry + name_at),
                               .type = static_cast<unsigned char>(entry[type_at])};
    if (found.view() == "." || found.view() == "..") continue;
    co_return std::optional(found);
  }
}

}  // namespace millrace::s3::store
