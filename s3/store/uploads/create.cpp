// See upload.h: the beginning of an upload, and its end by abort or by the broom.
#include "s3/store/uploads/layout.h"

#include <fcntl.h>

namespace millrace::s3::store {

using namespace uploads;
using engine::Descriptor;
using engine::Errc;
using engine::Result;
using engine::Task;
namespace file = engine::file;

ErrorCode error_code_of(const UploadError& error) {
  switch (error.failure) {
    case UploadFailure::no_such_bucket: return ErrorCode::no_such_bucket;
    case UploadFailure::no_such_upload: return ErrorCode::no_such_upload;
    case UploadFailure::invalid_part: return ErrorCode::invalid_part;
    case UploadFailure::entity_too_small: return ErrorCode::entity_too_small;
    case UploadFailure::entity_too_large: return ErrorCode::entity_too_large;
    case UploadFailure::invalid_request: return ErrorCode::invalid_request;
    case UploadFailure::bad_digest:
    case UploadFailure::checksum_type: return ErrorCode::bad_digest;
    case UploadFailure::object_size:
    case UploadFailure::checksum_algorithm:
    case UploadFailure::checksum_missing: return ErrorCode::invalid_request;
    case UploadFailure::exists: return ErrorCode::precondition_failed;
    case UploadFailure::system: break;
  }
  return s3::error_code_of(error.error);
}

namespace {

bool checksum_possible(const ObjectChecksum& checksum) {
  return checksum_type_possible(static_cast<ChecksumAlgorithm>(checksum.algorithm),
                                checksum.type == StoredChecksumType::composite);
}

Task<Result<>> sync_made(const StoreOptions& options, int fd) {
  if (options.durability == Durability::none) co_return Result<>{};
  co_return co_await sync_file(options, fd);
}

// Everything of an upload, the record last: an upload without it is none.
Task<Result<>> fill(Store& store, const Directory& directory, UploadRecord& record) {
  const StoreOptions& options = store.options();
  const int fd = directory.fd.get();
  auto done = co_await file::make_directory(fd, open_name, 0700);
  if (!done) co_return done;
  const auto open = co_await file::open(fd, open_name, O_RDONLY | O_DIRECTORY);
  if (!open) co_return std::unexpected(open.error());
  const auto token = co_await file::open(fd, token_name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!token) co_return std::unexpected(token.error());
  if (done = co_await sync_made(options, token->get()); !done) co_return done;
  if (done = co_await sync_made(options, open->get()); !done) co_return done;
  if (done = encode_upload(record); !done) co_return done;
  auto aside = co_await write_aside(options, fd, record.bytes);
  if (!aside) co_return std::unexpected(aside.error());
  if (done = co_await link_aside(*aside, fd, record_name); !done) co_return done;
  const int carriers[] = {aside->file.get(), token->get()};
  co_return co_await make_names_durable(store, directory, carriers);
}

bool older_than(const struct statx& status, std::uint64_t now_seconds, std::uint64_t age_seconds) {
  const auto changed = static_cast<std::uint64_t>(status.stx_ctime.tv_sec);
  return age_seconds == 0 || changed + age_seconds <= now_seconds;
}

// Whether an entry of uploads/ is rubbish, and it is gone now.
Task<bool> sweep_entry(const StoreOptions& options, std::string_view bucket, int above,
                       const std::string& name, std::uint64_t age_seconds) {
  struct statx status{};
  const auto known = co_await file::stat(above, name.c_str(), status);
  const std::uint64_t now = engine::Shard::current().wall_seconds();
  if (!known || !older_than(status, now, age_seconds)) co_return false;
  if (name.starts_with("c-") || name.starts_with("t-")) {
    co_return (co_await file::unlink(above, name.c_str())).has_value();
  }
  if (UploadId::parse(name)) {
    const std::string record = name + '/' + record_name;
    const auto there = co_await file::stat(above, record.c_str(), status);
    if (there || !there.error().is(ENOENT)) co_return false;
  } else if (!name.starts_with("x-")) {
    co_return false;
  }
  co_return (co_await remove_tree(options, bucket, above, name.c_str())).has_value();
}

// The age is that of the upload, not of its last part: a part may change nothing that an abort
// does not take anyway, and whoever needs longer sets a longer age.
bool too_old(std::string_view name, const UploadAges& ages) {
  const auto id = UploadId::parse(name);
  if (!id || !ages.upload_seconds) return false;
  const std::uint64_t now = engine::Shard::current().wall_seconds();
  return id->created_ms() / 1000 + *ages.upload_seconds <= now;
}

// Whether a Complete that was under way when the upload lost its name has published the object all
// the same. It holds the record's lock; with its directory empty, it comes to its end.
Task<Result<bool>> ended_complete(const StoreOptions& options, const OpenUpload& upload,
                                  int record) {
  if (options.abilities.ofd_lock) {
    if (const auto waited = co_await file::lock(record); !waited) {
      co_return std::unexpected(waited.error());
    }
  }
  struct statx status{};
  const EntryName memory = completed_name(upload.id.view());
  const auto there = co_await file::stat(upload.uploads.fd.get(), memory.c_str(), status);
  if (!there && !there.error().is(ENOENT)) co_return std::unexpected(there.error());
  co_return there.has_value();
}

}  // namespace

Task<UploadResult<UploadId>> create_upload(Store& store, std::string_view bucket,
                                           const NewUpload& upload) {
  const auto& object = *upload.object;
  if (!checksum_possible(object.checksum)) co_return fail_with(UploadFailure::invalid_request);
  const auto above = co_await open_uploads(store.options(), bucket);
  if (!above) co_return std::unexpected(above.error());
  UploadRecord record;
  record.created_ms = static_cast<std::int64_t>(engine::Shard::current().wall_ns() / 1'000'000);
  record.object_id = random_id();
  record.key = upload.key;
  record.initiator = upload.initiator;
  record.owner = upload.owner;
  record.object = object;
  if (object.checksum.algorithm == StoredChecksum::none && upload.default_checksum) {
    record.object.checksum.algorithm = static_cast<StoredChecksum>(default_checksum);
    record.checksum_by_default = true;
  }
  const UploadId id = UploadId::make(static_cast<std::uint64_t>(record.created_ms));
  const int fd = above->fd.get();
  if (const auto made = co_await file::make_directory(fd, id.c_str(), 0700); !made) {
    co_return fail_with(made.error());
  }
  Result<> done;
  auto opened = co_await file::open(fd, id.c_str(), O_RDONLY | O_DIRECTORY);
  if (opened) {
    const auto directory = co_await identify(store.options(), std::move(*opened));
    done =
        directory ? co_await fill(store, *directory, record) : std::unexpected(directory.error());
    const int carriers[] = {directory ? directory->fd.get() : fd};
    if (done) done = co_await make_names_durable(store, *above, carriers);
  } else {
    done = std::unexpected(opened.error());
  }
  if (done) co_return id;
  std::ignore = co_await remove_upload(store, bucket, *above, id.view());
  if (done.error().code == Errc::too_large) co_return fail_with(UploadFailure::invalid_request);
  co_return fail_with(done.error());
}

Task<UploadResult<>> abort_upload(Store& store, std::string_view bucket, std::string_view key,
                                  std::string_view id) {
  const auto upload = co_await open_upload(store.options(), bucket, key, id);
  if (!upload) co_return std::unexpected(upload.error());
  const auto record = co_await file::open(upload->directory.fd.get(), record_name, O_RDWR);
  if (!record) co_return fail_inside(record.error());
  const auto removed = co_await remove_upload(store, bucket, upload->uploads, id);
  if (!removed) co_return fail_with(removed.error());
  if (!*removed) co_return fail_with(UploadFailure::no_such_upload);
  const auto completed = co_await ended_complete(store.options(), *upload, record->get());
  if (!completed) co_return fail_with(completed.error());
  if (*completed) co_return fail_with(UploadFailure::no_such_upload);
  co_return UploadResult<>{};
}

Task<UploadResult<std::size_t>> sweep_uploads(Store& store, std::string_view bucket,
                                              const UploadAges& ages) {
  const auto above = co_await open_uploads(store.options(), bucket);
  if (!above) co_return std::unexpected(above.error());
  const auto names = co_await read_names(above->fd.get());
  if (!names) co_return fail_with(names.error());
  std::size_t removed = 0;
  for (const std::string& name : *names) {
    if (engine::Shard::current().stopping()) break;
    bool gone =
        co_await sweep_entry(store.options(), bucket, above->fd.get(), name, ages.leftover_seconds);
    if (!gone && too_old(name, ages)) {
      gone = (co_await remove_upload(store, bucket, *above, name)).value_or(false);
    }
    if (gone) ++removed;
  }
  co_return removed;
}

}  // namespace millrace::s3::store
