// See upload.h: complete_upload, around one Completer's run. The memory of a completed upload,
// c-ID, is there before the upload's name goes, so that a repetition finds one of the two.
#include "s3/store/uploads/completer.h"

#include <fcntl.h>

namespace millrace::s3::store {

using namespace uploads;
using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// What an earlier Complete of the same list has done. no_such_upload: none has.
Task<UploadResult<Completed>> recall(int above, const UploadId& id,
                                     const CompleteRequest& request) {
  const EntryName name = completed_name(id.view());
  const auto bytes = co_await read_whole(above, name.c_str(), record_bytes_max);
  if (!bytes) co_return fail_inside(bytes.error());
  const auto record = decode_completed(*bytes);
  const auto md5 = etag_of_list(request.parts);
  if (!record || record->key != request.key || record->parts != request.parts.size() || !md5 ||
      record->md5 != *md5) {
    co_return fail_with(UploadFailure::no_such_upload);
  }
  co_return Completed{
      .etag = {.kind = EtagKind::md5_of_parts, .parts = record->parts, .md5 = record->md5},
      .size = record->size,
      .checksum = record->checksum,
      .repeated = true};
}

Task<Result<>> remember(Store& store, const OpenUpload& upload, const Completed& completed) {
  const CompletedRecord record{.key = std::string(upload.record.key),
                               .size = completed.size,
                               .parts = completed.etag.parts,
                               .md5 = completed.etag.md5,
                               .checksum = completed.checksum};
  const int above = upload.uploads.fd.get();
  auto aside = co_await write_aside(store.options(), above, encode_completed(record));
  if (!aside) co_return std::unexpected(aside.error());
  const auto linked = co_await link_aside(*aside, above, completed_name(upload.id.view()).c_str());
  if (!linked) co_await drop_aside(*aside, above);
  if (!linked && !linked.error().is(EEXIST)) co_return linked;
  co_return Result<>{};
}

// Runs of one upload go one after another where the filesystem's locks exclude; where they do
// not, they only do the same work twice.
Task<Result<Descriptor>> lock_upload(const StoreOptions& options, const OpenUpload& upload) {
  if (!options.abilities.ofd_lock) co_return Descriptor();
  auto opened = co_await file::open(upload.directory.fd.get(), record_name, O_RDWR);
  if (!opened) co_return std::unexpected(opened.error());
  const auto locked = co_await file::lock(opened->get());
  if (!locked) co_return std::unexpected(locked.error());
  co_return std::move(*opened);
}

Task<UploadResult<Completed>> complete_open(Store& store, MappedPath& path,
                                            const CompleteRequest& request, OpenUpload& upload) {
  const auto lock = co_await lock_upload(store.options(), upload);
  if (!lock) co_return fail_inside(lock.error());
  auto done = co_await recall(upload.uploads.fd.get(), upload.id, request);
  const bool recalled = done.has_value();
  if (!recalled) {
    Completer completer(store, path, request, upload);
    done = co_await completer.run();
    if (!done) co_return done;
    // The object is there: without the memory a repetition is answered NoSuchUpload, no worse.
    std::ignore = co_await remember(store, upload, *done);
  }
  // What cannot be removed now is found again by a repetition, or by the broom.
  std::ignore = co_await remove_upload(store, request.bucket, upload.uploads, upload.id.view());
  co_return done;
}

}  // namespace

Task<UploadResult<Completed>> complete_upload(Store& store, MappedPath& path,
                                              const CompleteRequest& request) {
  if (request.parts.empty()) co_return fail_with(UploadFailure::invalid_request);
  auto upload = co_await open_upload(store.options(), request.bucket, request.key, request.id);
  UploadResult<Completed> done = fail_with(UploadFailure::no_such_upload);
  if (upload) {
    done = co_await complete_open(store, path, request, *upload);
  } else {
    done = std::unexpected(upload.error());
  }
  if (done || done.error().failure != UploadFailure::no_such_upload) co_return done;
  const auto id = UploadId::parse(request.id);
  if (!id) co_return done;
  const auto above = co_await open_uploads(store.options(), request.bucket);
  if (!above) co_return std::unexpected(above.error());
  co_return co_await recall(above->fd.get(), *id, request);
}

}  // namespace millrace::s3::store
