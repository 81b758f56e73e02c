// See paths.h.
#include "s3/store/paths.h"

#include "engine/check.h"
#include "s3/store/directories.h"
#include "s3/store/staging.h"

#include <fcntl.h>
#include <sys/random.h>

#include <cstring>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

BucketPath::BucketPath(std::string_view bucket, const MappedPath& path, std::size_t names) {
  CHECK(names <= path.names());
  const auto whole = path.view();
  const std::size_t size =
      names == 0 ? 0
                 : static_cast<std::size_t>(path.name(names - 1).data() +
                                            path.name(names - 1).size() - whole.data());
  fits_ = bucket.size() + 1 + size <= hop_bytes_max;
  if (!fits_) return;
  std::memcpy(text_.data(), bucket.data(), bucket.size());
  std::size_t end = bucket.size();
  if (size > 0) {
    text_[end++] = '/';
    std::memcpy(text_.data() + end, whole.data(), size);
    end += size;
  }
  text_[end] = '\0';
}

Task<Result<Descriptor>> open_names(int data_fd, std::string_view bucket, MappedPath& path,
                                    std::size_t names, int flags) {
  const BucketPath whole(bucket, path, names);
  if (whole.fits()) co_return co_await file::open(data_fd, whole.c_str(), flags);
  const BucketPath bucket_only(bucket, path, 0);
  auto at = co_await file::open(data_fd, bucket_only.c_str(), O_PATH | O_DIRECTORY);
  std::size_t first = 0;
  while (at && first < names) {
    const std::size_t last = std::min(path.hop_end(first), names);
    const auto hop = path.cut(first, last);
    const int hop_flags = last == names ? flags : O_PATH | O_DIRECTORY;
    at = co_await file::open(at->get(), hop.c_str(), hop_flags);
    first = last;
  }
  co_return at;
}

namespace {

Task<Result<Descriptor>> open_or_make(const StoreOptions& options, int directory,
                                      const char* name) {
  auto opened = co_await file::open(directory, name, O_RDONLY | O_DIRECTORY);
  if (opened || !opened.error().is(ENOENT)) co_return opened;
  const auto made = co_await file::make_directory(directory, name, 0700);
  if (!made && !made.error().is(EEXIST)) co_return std::unexpected(made.error());
  // Whoever made it: what is put into it later must not vanish with its name.
  const auto synced = co_await sync_directory_unless_none(options, directory);
  if (!synced) co_return std::unexpected(synced.error());
  co_return co_await file::open(directory, name, O_RDONLY | O_DIRECTORY);
}

}  // namespace

Task<Result<Descriptor>> open_system_directory(const StoreOptions& options, std::string_view bucket,
                                               std::string_view name) {
  std::array<char, bucket_name_bytes_max + 32> text{};
  CHECK(bucket.size() <= bucket_name_bytes_max && name.size() < 16);
  char* end = text.data();
  const auto append = [&end](std::string_view piece) {
    std::memcpy(end, piece.data(), piece.size());
    end += piece.size();
  };
  append(bucket);
  append("/");
  append(system_name);
  if (!name.empty()) {
    append("/");
    append(name);
  }
  auto opened = co_await file::open(options.data_fd, text.data(), O_RDONLY | O_DIRECTORY);
  if (opened || !opened.error().is(ENOENT)) co_return opened;
  text[bucket.size()] = '\0';
  auto at = co_await file::open(options.data_fd, text.data(), O_RDONLY | O_DIRECTORY);
  if (!at) co_return at;
  at = co_await open_or_make(options, at->get(), system_name.data());
  if (!at || name.empty()) co_return at;
  std::array<char, 16> own{};
  std::memcpy(own.data(), name.data(), name.size());
  co_return co_await open_or_make(options, at->get(), own.data());
}

UniqueName unique_name(std::string_view prefix, std::span<const std::uint8_t> id) {
  static constexpr char digits[] = "0123456789abcdef";
  UniqueName name;
  CHECK(prefix.size() + 2 * id.size() < name.text.size());
  std::memcpy(name.text.data(), prefix.data(), prefix.size());
  char* end = name.text.data() + prefix.size();
  for (const std::uint8_t byte : id) {
    *end++ = digits[byte >> 4];
    *end++ = digits[byte & 15];
  }
  return name;
}

std::array<std::uint8_t, 16> random_id() {
  std::array<std::uint8_t, 16> id;
  CHECK(::getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()));
  return id;
}

}  // namespace millrace::s3::store
