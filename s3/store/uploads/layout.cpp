// See layout.h: opening uploads, and files that get their names when they are whole.
#include "s3/store/uploads/layout.h"

#include "s3/store/directory_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::s3::store::uploads {

using engine::Descriptor;
using engine::Errc;
using engine::Result;
using engine::Task;
namespace file = engine::file;

Task<Result<bool>> still_there(int above, const char* name) {
  const auto removed = co_await file::remove_directory(above, name);
  // Removed: it was empty, so it held nothing that anyone could rely on.
  if (removed || removed.error().is(ENOENT)) co_return false;
  if (removed.error().is(ENOTEMPTY) || removed.error().is(EEXIST)) co_return true;
  co_return std::unexpected(removed.error());
}

Task<Result<std::vector<std::string>>> read_names(int directory) {
  // Anew: a position belongs to its descriptor, and so do cached pages of a network filesystem.
  const auto opened = co_await file::open(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!opened) co_return std::unexpected(opened.error());
  DirectoryReader reader(opened->get());
  std::vector<std::string> names;
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return names;
    names.emplace_back((*entry)->view());
  }
}

Task<Result<Contents>> read_contents(int directory) {
  const auto opened = co_await file::open(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!opened) co_return std::unexpected(opened.error());
  DirectoryReader reader(opened->get());
  Contents contents;
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) break;
    add_entry(contents, (*entry)->view());
  }
  sort_contents(contents);
  co_return contents;
}

Task<UploadResult<Directory>> open_uploads(const StoreOptions& options, std::string_view bucket) {
  auto opened = co_await open_system_directory(options, bucket, "uploads");
  if (!opened) {
    if (opened.error().is(ENOENT)) co_return fail_with(UploadFailure::no_such_bucket);
    co_return fail_with(opened.error());
  }
  auto directory = co_await identify(options, std::move(*opened));
  if (!directory) co_return fail_with(directory.error());
  co_return std::move(*directory);
}

Task<UploadResult<OpenUpload>> open_upload(const StoreOptions& options, std::string_view bucket,
                                           std::string_view key, std::string_view id) {
  auto above = co_await open_uploads(options, bucket);
  if (!above) co_return std::unexpected(above.error());
  const auto parsed = UploadId::parse(id);
  if (!parsed) co_return fail_with(UploadFailure::no_such_upload);
  auto opened = co_await file::open(above->fd.get(), parsed->c_str(), O_RDONLY | O_DIRECTORY);
  if (!opened) co_return fail_inside(opened.error());
  auto directory = co_await identify(options, std::move(*opened));
  if (!directory) co_return fail_with(directory.error());
  auto bytes = co_await read_whole(directory->fd.get(), record_name, record_bytes_max);
  if (!bytes) co_return fail_inside(bytes.error());
  auto record = decode_upload(std::move(*bytes));
  if (!record) co_return fail_with(record.error());
  if (record->key != key) co_return fail_with(UploadFailure::no_such_upload);
  co_return OpenUpload{std::move(*above), std::move(*directory), *parsed, std::move(*record)};
}

Task<Result<Aside>> make_aside(const StoreOptions& options, int directory) {
  Aside aside;
  Result<Descriptor> made;
  if (options.abilities.tmpfile_link) {
    made = co_await file::open(directory, ".", O_TMPFILE | O_RDWR, options.file_mode);
  } else {
    aside.temporary = unique_name("t-", random_id());
    aside.named = true;
    made = co_await file::open(directory, aside.temporary.c_str(), O_RDWR | O_CREAT | O_EXCL,
                               options.file_mode);
  }
  if (!made) co_return std::unexpected(made.error());
  aside.file = std::move(*made);
  co_return aside;
}

Task<Result<>> link_aside(Aside& aside, int directory, const char* name) {
  if (!aside.named) co_return co_await file::link_open(aside.file.get(), directory, name);
  const auto linked = co_await file::link(directory, aside.temporary.c_str(), directory, name);
  if (!linked) co_return linked;
  aside.named = false;
  std::ignore = co_await file::unlink(directory, aside.temporary.c_str());
  co_return linked;
}

Task<void> drop_aside(Aside& aside, int directory) {
  if (aside.named) std::ignore = co_await file::unlink(directory, aside.temporary.c_str());
  aside.named = false;
  co_await file::close(std::move(aside.file));
}

Task<Result<Aside>> write_aside(const StoreOptions& options, int directory,
                                std::span<const std::byte> bytes) {
  auto aside = co_await make_aside(options, directory);
  if (!aside) co_return aside;
  auto done = co_await file::write(aside->file.get(), bytes, 0);
  if (done && options.durability != Durability::none) {
    done = co_await sync_file(options, aside->file.get());
  }
  if (done) co_return aside;
  co_await drop_aside(*aside, directory);
  co_return std::unexpected(done.error());
}

Task<Result<std::vector<std::byte>>> read_whole(int directory, const char* name,
                                                std::size_t bytes_max) {
  const auto opened = co_await file::open(directory, name, O_RDONLY);
  if (!opened) co_return std::unexpected(opened.error());
  std::vector<std::byte> bytes(bytes_max + 1);
  const auto got = co_await file::read(opened->get(), bytes, 0);
  if (!got) co_return std::unexpected(got.error());
  if (*got > bytes_max) co_return engine::fail(Errc::too_large);
  bytes.resize(*got);
  co_return bytes;
}

Task<Result<>> make_names_durable(Store& store, const Directory& directory,
                                  std::span<const int> files) {
  const StoreOptions& options = store.options();
  if (options.durability != Durability::strict) co_return Result<>{};
  const auto synced = co_await sync_names(options, store.directory_syncs(), directory);
  if (!synced) co_return synced;
  if (options.abilities.directory_sync == DirectorySync::works) co_return Result<>{};
  for (const int each : files) {
    const auto carried = co_await sync_file(options, each);
    if (!carried) co_return carried;
  }
  co_return Result<>{};
}

}  // namespace millrace::s3::store::uploads
