// See layout.h, rule 3: an upload loses its name first, then what is in it.
#include "s3/store/attribute.h"
#include "s3/store/sidecar.h"
#include "s3/store/uploads/layout.h"

#include <fcntl.h>

namespace millrace::s3::store::uploads {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// A writer that does not know yet may put one more file into a directory that is being emptied.
constexpr int passes_max = 100;

// An assembly that did not become an object takes its sidecar with it. Once its name is gone it
// cannot become one any more, so a link count of zero is final.
Task<void> remove_assembly(const StoreOptions& options, std::string_view bucket, int directory,
                           const char* name) {
  const auto opened = co_await file::open(directory, name, O_RDONLY | O_NOFOLLOW);
  std::ignore = co_await file::unlink(directory, name);
  if (!opened) co_return;
  struct statx status{};
  const auto known = co_await file::stat(opened->get(), "", status);
  if (!known || status.stx_nlink != 0) co_return;
  const std::int64_t mtime_ns = nanoseconds_of(status.stx_mtime);
  std::vector<std::byte> attribute(attribute_room_bytes);
  const auto size = co_await read_attribute(
      options, bucket, {opened->get(), status.stx_ino, mtime_ns}, false, attribute);
  if (size) {
    const auto meta = decode(std::span(attribute).first(*size));
    if (meta && meta->sidecar.present) {
      co_await remove_sidecar(options, bucket, meta->id, status.stx_ino);
    }
  }
  co_await remove_attribute(options, bucket, status.stx_ino, mtime_ns);
}

Task<Result<>> empty_once(const StoreOptions& options, std::string_view bucket, int directory) {
  // A claim made from now on belongs to nobody.
  std::ignore = co_await file::rename(directory, open_name, directory, closed_name);
  const auto names = co_await read_names(directory);
  if (!names) co_return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (name == closed_name || name == open_name) {
      const std::string token = name + (token_name + std::string_view(open_name).size());
      std::ignore = co_await file::unlink(directory, token.c_str());
      std::ignore = co_await file::remove_directory(directory, name.c_str());
    } else if (name.starts_with("assembly.")) {
      co_await remove_assembly(options, bucket, directory, name.c_str());
    } else {
      std::ignore = co_await file::unlink(directory, name.c_str());
    }
  }
  co_return Result<>{};
}

}  // namespace

Task<Result<>> remove_tree(const StoreOptions& options, std::string_view bucket, int uploads,
                           const char* name) {
  const auto directory = co_await file::open(uploads, name, O_RDONLY | O_DIRECTORY);
  if (!directory) {
    if (directory.error().is(ENOENT)) co_return Result<>{};
    co_return std::unexpected(directory.error());
  }
  Result<> removed = engine::fail_errno(ENOTEMPTY);
  for (int pass = 0; pass < passes_max; ++pass) {
    const auto emptied = co_await empty_once(options, bucket, directory->get());
    if (!emptied) co_return emptied;
    removed = co_await file::remove_directory(uploads, name);
    if (removed || removed.error().is(ENOENT)) co_return Result<>{};
    if (!removed.error().is(ENOTEMPTY) && !removed.error().is(EEXIST)) break;
  }
  co_return removed;
}

Task<Result<bool>> remove_upload(Store& store, std::string_view bucket, const Directory& uploads,
                                 std::string_view id) {
  const auto live = UploadId::parse(id);
  CHECK(live);
  const EntryName dying = dying_name(id);
  const int above = uploads.fd.get();
  const auto renamed = co_await file::rename(above, live->c_str(), above, dying.c_str());
  if (!renamed) {
    if (renamed.error().is(ENOENT)) co_return false;
    co_return std::unexpected(renamed.error());
  }
  const auto moved = co_await file::open(above, dying.c_str(), O_RDONLY | O_DIRECTORY);
  // Or a crash would bring it back without the parts that are removed now.
  const int carriers[] = {moved ? moved->get() : above};
  const auto durable = co_await make_names_durable(store, uploads, carriers);
  if (!durable) co_return std::unexpected(durable.error());
  // What stays here after a failure is nobody's, and is swept.
  std::ignore = co_await remove_tree(store.options(), bucket, above, dying.c_str());
  co_return true;
}

}  // namespace millrace::s3::store::uploads
