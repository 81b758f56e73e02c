// See read.h. On a local filesystem everything that is already in the kernel's caches is asked
// for on the shard's own thread (about 1 us a call against 10 for a worker's); the rest, and
// everything on other filesystems, goes through the ring.
#include "s3/store/read.h"

#include "s3/store/attribute.h"
#include "s3/store/content_type.h"
#include "s3/store/moving_place.h"
#include "s3/store/sidecar.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

std::int64_t nanoseconds_of(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

std::uint64_t device_of(const struct statx& status) {
  return (std::uint64_t{status.stx_dev_major} << 32) | status.stx_dev_minor;
}

void OpenObject::take(const struct statx& status) {
  inode = status.stx_ino;
  device = device_of(status);
  file_size = status.stx_size;
  mtime_ns = nanoseconds_of(status.stx_mtime);
  changed_ns = nanoseconds_of(status.stx_ctime);
  links = status.stx_nlink;
  mode = status.stx_mode;
  uid = status.stx_uid;
  gid = status.stx_gid;
}

bool OpenObject::unchanged(const struct statx& status) const {
  return inode == status.stx_ino && device == device_of(status) && file_size == status.stx_size &&
         mtime_ns == nanoseconds_of(status.stx_mtime) &&
         changed_ns == nanoseconds_of(status.stx_ctime);
}

bool OpenObject::same_file(const OpenObject& other) const {
  return inode == other.inode && device == other.device && file_size == other.file_size &&
         mtime_ns == other.mtime_ns;
}

bool OpenObject::same_version(const OpenObject& other) const {
  return same_file(other) && std::ranges::equal(attribute_read, other.attribute_read);
}

void let_go(OpenObject& object) {
  constexpr std::uint64_t close_now_bytes_max = 1024 * 1024;
  if (object.file && object.file_size > close_now_bytes_max) {
    engine::Shard::current().tasks().adopt(
        file::close(std::move(object.file), file::Closing::may_free_blocks));
  }
  object.file.reset();
}

namespace {

// Each further one follows somebody else's commit; the bound only stops a reader that loses against
// endless writers.
constexpr int attempts_max = 100;

constexpr int read_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

struct Opened {
  Descriptor file;
  bool cached = false;  // its inode is in memory
};

Task<Result<Opened>> open_leaf(const StoreOptions& options, std::string_view bucket,
                               MappedPath& path) {
  if (options.abilities.local) {
    const BucketPath whole(bucket, path, path.names());
    if (whole.fits()) {
      auto cached = file::open_cached(options.data_fd, whole.c_str(), read_flags);
      if (cached) co_return Opened{std::move(*cached), true};
      if (!cached.error().is(EAGAIN)) co_return std::unexpected(cached.error());
    }
  }
  auto opened = co_await open_names(options.data_fd, bucket, path, path.names(), read_flags);
  if (!opened) co_return std::unexpected(opened.error());
  co_return Opened{std::move(*opened), false};
}

Result<Opened> opened_now(Result<Descriptor> file) {
  if (!file) return std::unexpected(file.error());
  return Opened{std::move(*file), false};
}

// What a symbolic link (ELOOP), a socket (ENXIO) or a device without driver gives is no object.
bool no_object(const Error& error) {
  return error.is(ELOOP) || error.is(ENXIO) || error.is(ENODEV);
}

bool is_absent(const Error& error) {
  return error.is(ENOENT) || error.is(ENOTDIR) || no_object(error);
}

Task<Result<>> read_status(int fd, bool cached, struct statx& status) {
  if (cached) {
    co_return engine::as_result(engine::Shard::current().ring().stat_open(fd, status));
  }
  co_return co_await file::stat(fd, "", status);
}

void describe_foreign(std::string_view key, OpenObject& out) {
  out.native = false;
  out.meta = MetadataView{};
  out.meta.size = out.file_size;
  out.meta.file_size = out.file_size;
  out.meta.mtime_ns = out.mtime_ns;
  out.meta.content_type = content_type_from_extension(key);
  out.meta.etag.kind = EtagKind::opaque;
  const auto text = make_foreign_etag(
      out.inode, out.file_size, out.mtime_ns,
      std::span<char, foreign_etag_bytes>(out.etag_text.data(), foreign_etag_bytes));
  out.etag_size = text.size();
  out.meta.etag.opaque = out.etag();
}

bool no_attribute(const Error& error) {
  return error.is(ENODATA) || error.is(EOPNOTSUPP);
}

Task<Result<>> describe(const StoreOptions& options, std::string_view bucket, std::string_view key,
                        Detail detail, bool cached, OpenObject& out) {
  out.attribute_read = {};
  const AttributePlace place{out.file.get(), out.inode, out.mtime_ns};
  std::span<std::byte> room = out.attribute;
  auto size = co_await read_attribute(options, bucket, place, cached, room);
  if (!size && size.error().is(ERANGE)) {
    out.large_attribute.resize(attribute_room_bytes);
    room = out.large_attribute;
    size = co_await read_attribute(options, bucket, place, cached, room);
  }
  if (!size) {
    if (no_attribute(size.error())) {
      describe_foreign(key, out);
      co_return Result<>{};
    }
    if (size.error().is(ESTALE)) describe_foreign(key, out);  // true, unless it was replaced
    co_return std::unexpected(size.error().is(ERANGE) ? Error{Errc::corrupt, 0} : size.error());
  }
  out.attribute_read = room.first(*size);
  const auto decoded = decode(out.attribute_read);
  if (!decoded) co_return std::unexpected(decoded.error());
  if (!decoded->made_for(out.file_size, out.mtime_ns)) {
    describe_foreign(key, out);
    co_return Result<>{};
  }
  out.native = true;
  out.meta = *decoded;
  out.etag_size = write_etag(out.meta.etag, out.etag_text).size();
  if (detail == Detail::head || !out.meta.sidecar.present) co_return Result<>{};
  co_return co_await load_sidecar(options, bucket, out);
}

}  // namespace

Task<Result<>> describe_object(const StoreOptions& options, std::string_view bucket,
                               std::string_view key, Detail detail, OpenObject& out) {
  struct statx status{};
  const auto known = co_await read_status(out.file.get(), false, status);
  if (!known) co_return known;
  out.take(status);
  co_return co_await describe(options, bucket, key, detail, false, out);
}

Task<Result<>> open_object(const StoreOptions& options, std::string_view bucket, MappedPath& path,
                           std::string_view key, Detail detail, OpenObject& out) {
  std::uint64_t directory_inode = 0;
  std::uint64_t lone_inode = 0;
  std::int64_t lone_mtime_ns = 0;
  ObjectId lone_id{};
  // Without an exchange an object on its way is found aside (moving.h). Nothing under the key,
  // nothing aside and again nothing under the key: only then there is none.
  const bool never_aside = static_cast<bool>(options.abilities.rename_exchange);
  bool looked_aside = never_aside;
  // A name may turn from file to directory and back while this looks; each turn is somebody's
  // commit. The bound only stops a reader that loses against endless writers.
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto opened = co_await open_leaf(options, bucket, path);
    struct statx status{};
    if (opened) {
      const auto known = co_await read_status(opened->file.get(), opened->cached, status);
      if (!known) co_return known;
    }
    if (opened && S_ISDIR(status.stx_mode)) {
      auto inner =
          co_await file::open(opened->file.get(), file_of_directory_name.data(), read_flags);
      if (!inner && inner.error().is(ENOENT) && directory_inode != status.stx_ino) {
        directory_inode = status.stx_ino;
        if (looked_aside) continue;
      }
      opened = opened_now(std::move(inner));
      if (opened) {
        const auto known = co_await read_status(opened->file.get(), false, status);
        if (!known) co_return known;
      }
    }
    if (!opened) {
      if (!is_absent(opened.error())) co_return std::unexpected(opened.error());
      if (looked_aside) co_return engine::fail_errno(ENOENT);
      looked_aside = true;
      auto aside = co_await open_moving(options, bucket, path.view());
      if (!aside && aside.error().is(ENOENT)) continue;
      opened = opened_now(std::move(aside));
      if (!opened) co_return std::unexpected(opened.error());
      const auto known = co_await read_status(opened->file.get(), false, status);
      if (!known) co_return known;
    }
    if (!S_ISREG(status.stx_mode)) co_return engine::fail_errno(ENOENT);
    const bool cached = opened->cached;
    out.file = std::move(opened->file);
    out.take(status);
    const auto described = co_await describe(options, bucket, key, detail, cached, out);
    if (described || !described.error().is(ESTALE)) co_return described;
    // What lies in meta/ goes when its object is replaced: look again at what the key is now. If
    // that is the same file, it came without (from outside, or with a copy of the tree); what was
    // said of it is true.
    if (lone_inode == out.inode && lone_mtime_ns == out.mtime_ns && lone_id == out.meta.id) {
      co_return Result<>{};
    }
    lone_inode = out.inode;
    lone_mtime_ns = out.mtime_ns;
    lone_id = out.meta.id;
    directory_inode = 0;
    looked_aside = never_aside;
  }
  co_return engine::fail_errno(EAGAIN);
}

namespace {

Task<Result<Opened>> open_in(const StoreOptions& options, int directory, const char* leaf) {
  if (options.abilities.local) {
    auto cached = file::open_cached(directory, leaf, read_flags);
    if (cached) co_return Opened{std::move(*cached), true};
    if (!cached.error().is(EAGAIN)) co_return std::unexpected(cached.error());
  }
  auto opened = co_await file::open(directory, leaf, read_flags);
  if (!opened) co_return std::unexpected(opened.error());
  co_return Opened{std::move(*opened), false};
}

Task<Result<>> open_entry_once(const StoreOptions& options, std::string_view bucket, int directory,
                               const char* leaf, std::string_view key, OpenObject& out) {
  auto opened = co_await open_in(options, directory, leaf);
  struct statx status{};
  for (bool inner = false; opened; inner = true) {
    const auto known = co_await read_status(opened->file.get(), opened->cached, status);
    if (!known) co_return known;
    if (!S_ISDIR(status.stx_mode) || inner) break;
    opened = co_await open_in(options, opened->file.get(), file_of_directory_name.data());
  }
  if (!opened) {
    co_return std::unexpected(no_object(opened.error()) ? Error::from_errno(ENOENT)
                                                        : opened.error());
  }
  if (!S_ISREG(status.stx_mode)) co_return engine::fail_errno(ENOENT);
  out.file = std::move(opened->file);
  out.take(status);
  const auto described = co_await describe(options, bucket, key, Detail::head, opened->cached, out);
  if (described || described.error().code == Errc::system) co_return described;
  describe_foreign(key, out);
  co_return Result<>{};
}

}  // namespace

Task<Result<>> open_entry(const StoreOptions& options, std::string_view bucket, int directory,
                          const char* leaf, std::string_view key, OpenObject& out) {
  Result<> opened;
  std::uint64_t lone_inode = 0;
  std::int64_t lone_mtime_ns = 0;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    opened = co_await open_entry_once(options, bucket, directory, leaf, key, out);
    if (opened || !opened.error().is(ESTALE)) co_return opened;
    // The same file twice without what meta/ has of objects: it came from outside.
    if (lone_inode == out.inode && lone_mtime_ns == out.mtime_ns) co_return Result<>{};
    lone_inode = out.inode;
    lone_mtime_ns = out.mtime_ns;
  }
  co_return opened;
}

}  // namespace millrace::s3::store
