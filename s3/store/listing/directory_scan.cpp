// See the header. A buffer of 256 KiB is some 6,000 names, which cost the shard a millisecond or
// more: others get their turns in between.
#include "s3/store/listing/directory_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr std::size_t scan_buffer_bytes = 256 * 1024;
constexpr std::size_t sorted_at_once_max = 1024;
constexpr std::size_t names_at_once = 1024;

// struct linux_dirent64: inode (8), offset (8), length (2), type (1), name.
constexpr std::size_t length_offset = 16;
constexpr std::size_t type_offset = 18;
constexpr std::size_t name_offset = 19;

}  // namespace

bool EntryReader::next(ScannedName& out, bool& unknown) {
  while (rest_.size() > name_offset) {
    std::uint16_t length = 0;
    std::memcpy(&length, rest_.data() + length_offset, sizeof length);
    if (length <= name_offset || length > rest_.size()) break;
    const auto type = std::to_integer<unsigned char>(rest_[type_offset]);
    const auto* name = reinterpret_cast<const char*>(rest_.data()) + name_offset;
    out.name = {name, ::strnlen(name, length - name_offset)};
    out.is_directory = type == DT_DIR;
    unknown = type == DT_UNKNOWN;
    rest_ = rest_.subspan(length);
    if (out.name == "." || out.name == "..") continue;
    if (type == DT_REG || type == DT_DIR || unknown) return true;
  }
  return false;
}

Task<Result<bool>> EntryReader::resolve(ScannedName& out) {
  struct statx status{};
  const auto known = co_await file::stat(directory_, out.name.data(), status);
  if (!known) {
    if (known.error().is(ENOENT)) co_return false;
    co_return std::unexpected(known.error());
  }
  out.is_directory = S_ISDIR(status.stx_mode);
  co_return out.is_directory || S_ISREG(status.stx_mode);
}

Task<Result<>> add_entries(int directory, std::span<const std::byte> records,
                           DirectoryIndex& index) {
  EntryReader reader(directory, records);
  ScannedName entry;
  bool unknown = false;
  std::size_t taken = 0;
  while (reader.next(entry, unknown)) {
    if (++taken % names_at_once == 0) co_await engine::Yield{};
    if (unknown) {
      const auto resolved = co_await reader.resolve(entry);
      if (!resolved) co_return std::unexpected(resolved.error());
      if (!*resolved) continue;
    }
    const auto kind = entry_kind(entry.name, entry.is_directory, index.in_chain());
    if (kind) index.add(entry.name, *kind);
  }
  co_return Result<>{};
}

namespace {

Task<void> on_worker(DirectoryIndex& index, long (*call)(void*)) {
  co_await engine::Operation({.action = engine::Action::call, .address = &index, .call = call});
}

}  // namespace

Task<void> sort_index(DirectoryIndex& index) {
  if (index.size() <= sorted_at_once_max) {
    index.sort();
    co_return;
  }
  co_await on_worker(index, [](void* argument) -> long {
    static_cast<DirectoryIndex*>(argument)->sort();
    return 0;
  });
}

Task<Result<>> scan_directory(int directory, std::size_t bytes_max, DirectoryIndex& index) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(scan_buffer_bytes);
  for (;;) {
    const auto got =
        co_await file::read_directory(directory, std::span(buffer.get(), scan_buffer_bytes));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) break;
    const auto added = co_await add_entries(directory, std::span(buffer.get(), *got), index);
    if (!added) co_return added;
    if (index.bytes() > bytes_max) {
      co_await on_worker(index, [](void* argument) -> long {
        static_cast<DirectoryIndex*>(argument)->sort_and_halve();
        return 0;
      });
    }
  }
  co_await sort_index(index);
  co_return Result<>{};
}

}  // namespace millrace::s3::store
