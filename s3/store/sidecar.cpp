// See sidecar.h.
#include "s3/store/sidecar.h"

#include "engine/check.h"
#include "s3/store/directories.h"
#include "s3/store/paths.h"
#include "s3/store/staging.h"

#include <fcntl.h>

#include <charconv>
#include <cstring>

namespace millrace::s3::store {

using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

struct SidecarName {
  std::array<char, 80> text{};
  SidecarName(const ObjectId& id, std::uint64_t inode) {
    const UniqueName unique = unique_name("", id);
    const std::size_t size = std::strlen(unique.c_str());
    std::memcpy(text.data(), unique.c_str(), size);
    text[size] = '-';
    std::to_chars(text.data() + size + 1, text.data() + text.size() - 1, inode);
  }
  const char* c_str() const { return text.data(); }
};

Error stale_if_absent(Error error) {
  return error.is(ENOENT) ? Error::from_errno(ESTALE) : error;
}

}  // namespace

Task<Result<engine::Descriptor>> open_meta(const StoreOptions& options, std::string_view bucket) {
  constexpr std::string_view below = "/.mr.sys/meta";
  std::array<char, bucket_name_bytes_max + below.size() + 1> path{};
  CHECK(bucket.size() <= bucket_name_bytes_max);
  std::memcpy(path.data(), bucket.data(), bucket.size());
  std::memcpy(path.data() + bucket.size(), below.data(), below.size());
  co_return co_await file::open(options.data_fd, path.data(), O_RDONLY | O_DIRECTORY);
}

Task<Result<>> load_sidecar(const StoreOptions& options, std::string_view bucket, OpenObject& out) {
  const auto directory = co_await open_meta(options, bucket);
  if (!directory) co_return std::unexpected(stale_if_absent(directory.error()));
  const SidecarName name(out.meta.id, out.inode);
  const auto opened = co_await file::open(directory->get(), name.c_str(), O_RDONLY);
  if (!opened) co_return std::unexpected(stale_if_absent(opened.error()));
  // A parts table of 10,000 parts with checksums is under 1 MiB.
  constexpr std::uint64_t sidecar_bytes_max = 64 * 1024 * 1024;
  if (out.meta.sidecar.bytes > sidecar_bytes_max) co_return engine::fail(Errc::corrupt);
  out.sidecar.resize(out.meta.sidecar.bytes);
  const auto got = co_await file::read(opened->get(), out.sidecar, 0);
  if (!got) co_return std::unexpected(got.error());
  if (*got != out.sidecar.size()) co_return engine::fail(Errc::corrupt);
  co_return decode_sidecar(out.sidecar, out.meta);
}

Task<Result<>> write_sidecar(const StoreOptions& options, std::string_view bucket,
                             const ObjectId& id, std::uint64_t inode,
                             std::span<const std::byte> bytes) {
  const SidecarName name(id, inode);
  co_return co_await write_meta(options, bucket, name.c_str(), bytes);
}

Task<Result<>> write_meta(const StoreOptions& options, std::string_view bucket, const char* name,
                          std::span<const std::byte> bytes) {
  const auto directory = co_await open_system_directory(options, bucket, "meta");
  if (!directory) co_return std::unexpected(directory.error());
  auto made = co_await file::open(directory->get(), name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  UniqueName temporary;
  if (!made && made.error().is(EEXIST)) {
    // A file that is sealed once more: what it has here may be read while this replaces it.
    temporary = unique_name("t-", random_id());
    made =
        co_await file::open(directory->get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  }
  if (!made) co_return std::unexpected(made.error());
  auto done = co_await file::write(made->get(), bytes, 0);
  if (done) done = co_await sync_unless_none(options, made->get());
  if (temporary.c_str()[0] != '\0') {
    if (done) {
      done = co_await file::rename(directory->get(), temporary.c_str(), directory->get(), name);
    }
    // Where a directory's sync does nothing, the file's own carries its name.
    if (done && options.abilities.directory_sync != DirectorySync::works) {
      done = co_await sync_unless_none(options, made->get());
    }
    if (!done) std::ignore = co_await file::unlink(directory->get(), temporary.c_str());
  }
  if (!done) co_return done;
  co_return co_await sync_directory_unless_none(options, directory->get());
}

Task<void> remove_sidecar(const StoreOptions& options, std::string_view bucket, const ObjectId& id,
                          std::uint64_t inode) {
  const auto directory = co_await open_meta(options, bucket);
  if (!directory) co_return;
  const SidecarName name(id, inode);
  std::ignore = co_await file::unlink(directory->get(), name.c_str());
}

}  // namespace millrace::s3::store
