// See completer.h.
#include "s3/store/uploads/completer.h"

#include "s3/store/read.h"

#include <fcntl.h>

#include <algorithm>

namespace millrace::s3::store::uploads {

using engine::Descriptor;
using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

Task<UploadResult<Completed>> Completer::run() {
  // First as it is, so that a wrong list changes nothing.
  if (const auto seen = co_await look(); !seen) co_return std::unexpected(seen.error());
  if (const Decision before = decide(parts_, claims_); before.way == Way::relocate_last) {
    // If it fails, the parts are copied.
    std::ignore = co_await relocate_last(before.slot_bytes);
  }
  if (const auto closed = co_await close_assemblies(); !closed) {
    co_return fail_inside(closed.error());
  }
  if (const auto seen = co_await look(); !seen) co_return std::unexpected(seen.error());

  bool published = false;
  if (const Decision now = decide(parts_, claims_); now.way == Way::publish) {
    const auto done = co_await publish_assembly(now.slot_bytes);
    if (!done) co_return std::unexpected(done.error());
    published = *done;
  }
  if (!published) {
    const auto done = co_await publish_copy();
    if (!done) co_return std::unexpected(done.error());
  }
  co_return Completed{.etag = summary_.etag,
                      .size = summary_.size,
                      .checksum = summary_.checksum,
                      .copied = !published};
}

// Rule 3: what is missing proves something only as long as the upload has its name.
Task<UploadResult<>> Completer::look() {
  auto looked = co_await look_once();
  const auto live = co_await still_there(upload_.uploads.fd.get(), upload_.id.c_str());
  if (!live) co_return fail_with(live.error());
  if (!*live) co_return fail_with(UploadFailure::no_such_upload);
  co_return looked;
}

Task<UploadResult<>> Completer::look_once() {
  auto contents = co_await read_contents(directory());
  if (!contents) co_return fail_inside(contents.error());
  if (const auto read = co_await read_receipts(*contents); !read) co_return read;
  claims_ = std::move(contents->claims);
  copies_ = std::move(contents->copies);
  const auto& kind = upload_.record.object.checksum;
  const auto checked =
      check_parts(request_.parts, parts_,
                  kind.type == StoredChecksumType::composite ? PartChecksums::required
                                                             : PartChecksums::optional);
  if (!checked) co_return about_checksums(checked.error());
  summary_ = summarize(parts_, upload_.record.algorithm(), upload_.record.object.checksum.type);
  co_return check_object();
}

// The newest receipt of each listed part; what was read before is not read again, since
// receipts never change.
Task<UploadResult<>> Completer::read_receipts(const Contents& contents) {
  parts_.resize(request_.parts.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const std::uint32_t number = request_.parts[i].number;
    const auto newest =
        std::ranges::lower_bound(contents.receipts, number, {}, &NewestReceipt::part);
    if (newest == contents.receipts.end() || newest->part != number) {
      co_return fail_with(UploadFailure::invalid_part, number);
    }
    if (parts_[i].sequence == newest->sequence) continue;
    const EntryName name = receipt_name(number, newest->sequence);
    const auto bytes = co_await read_whole(directory(), name.c_str(), receipt_bytes_max);
    if (!bytes) co_return fail_inside(bytes.error());
    auto receipt = decode_receipt(*bytes);
    // Torn by a power cut in the mode that syncs nothing: the part must be sent again.
    if (!receipt && receipt.error().code == Errc::corrupt) {
      co_return fail_with(UploadFailure::invalid_part, number);
    }
    if (!receipt) co_return fail_with(receipt.error());
    if (receipt->part != number) co_return fail_with(Error{Errc::corrupt, 0});
    parts_[i] = {std::move(*receipt), newest->sequence};
  }
  co_return UploadResult<>{};
}

std::unexpected<UploadError> Completer::about_checksums(UploadError error) const {
  const UploadRecord& record = upload_.record;
  error.algorithm = record.checksum_by_default ? ChecksumAlgorithm::none : record.algorithm();
  error.checksum_type = record.object.checksum.type;
  return std::unexpected(error);
}

UploadResult<> Completer::check_object() const {
  const auto refuse = [&](UploadFailure failure) { return about_checksums({.failure = failure}); };
  if (request_.object_bytes && *request_.object_bytes != summary_.size) {
    return refuse(UploadFailure::object_size);
  }
  if (request_.checksum.type && *request_.checksum.type != upload_.record.object.checksum.type) {
    return refuse(UploadFailure::checksum_type);
  }
  if (!request_.checksum.value) return {};
  const auto& stated = *request_.checksum.value;
  if (static_cast<StoredChecksum>(stated.algorithm) != summary_.checksum.algorithm) {
    return refuse(UploadFailure::checksum_algorithm);
  }
  const bool composite = summary_.checksum.type == StoredChecksumType::composite;
  const std::uint32_t parts = request_.checksum.parts;
  const bool same_parts = parts == 0 || (composite && parts == summary_.etag.parts);
  if (!same_parts ||
      !std::ranges::equal(stated.bytes(),
                          std::span(summary_.checksum.value).first(stated.bytes().size()))) {
    return refuse(UploadFailure::bad_digest);
  }
  return {};
}

// A last part that came first lies in an assembly of its own size: it moves, as a writer like
// any other, so that not everything has to be copied.
Task<Result<>> Completer::relocate_last(std::uint64_t slot_bytes) {
  const auto assembly = co_await file::open(directory(), assembly_name(slot_bytes).c_str(), O_RDWR);
  if (!assembly) co_return std::unexpected(assembly.error());
  const EntryName claim = claim_name(slot_bytes, parts_.back().receipt.part);
  const auto claimed = co_await file::link(directory(), token_name, directory(), claim.c_str());
  if (!claimed) co_return claimed;
  const auto open = co_await still_there(directory(), open_name);
  if (!open) co_return std::unexpected(open.error());
  if (!*open) co_return engine::fail_errno(ESTALE);
  co_return co_await put_into_slot(assembly->get(), slot_bytes);
}

Task<Result<>> Completer::put_into_slot(int assembly, std::uint64_t slot_bytes) {
  const StoredPart& last = parts_.back();
  const std::uint64_t offset = (last.receipt.part - 1) * slot_bytes;
  auto done = co_await copy_part(last.receipt, {assembly, offset});
  if (!done) co_return done;
  if (store_.options().durability != Durability::none) {
    if (done = co_await sync_file(store_.options(), assembly); !done) co_return done;
  }
  Receipt moved = last.receipt;
  moved.slot_bytes = slot_bytes;
  auto aside = co_await write_aside(store_.options(), directory(), encode_receipt(moved));
  if (!aside) co_return std::unexpected(aside.error());
  // The next number and no other: if a newer attempt has it, that one counts.
  const EntryName name = receipt_name(moved.part, last.sequence + 1);
  done = co_await link_aside(*aside, directory(), name.c_str());
  if (!done) {
    co_await drop_aside(*aside, directory());
    co_return done;
  }
  const int carriers[] = {aside->file.get(), assembly};
  co_return co_await make_names_durable(store_, upload_.directory, carriers);
}

// Rule 1. From here on nobody begins to write into an assembly of this upload, also not after a
// power cut: otherwise the name `open` could be back beside an object that was published.
Task<Result<>> Completer::close_assemblies() {
  const auto sealed = co_await file::open(directory(), sealed_name, O_WRONLY | O_CREAT, 0600);
  if (!sealed) co_return std::unexpected(sealed.error());
  struct statx status{};
  const auto known = co_await file::stat(sealed->get(), "", status);
  if (!known) co_return known;
  sealed_seconds_ = status.stx_mtime.tv_sec;
  const auto closed = co_await file::rename(directory(), open_name, directory(), closed_name);
  if (!closed && !closed.error().is(ENOENT)) co_return closed;
  if (store_.options().durability == Durability::none) co_return Result<>{};
  co_return co_await sync_names(store_.options(), store_.directory_syncs(), upload_.directory);
}

// Whether an earlier run published that file as this object, and answered nobody. Then that was it,
// whatever is asked of the object that a Complete would replace.
Task<Result<bool>> Completer::was_published(const CopyMark& file) {
  std::array<char, etag_text_bytes_max> etag;
  co_return co_await store_.confirm(
      request_.bucket, path_, request_.key,
      {.inode = file.inode, .mtime_ns = file.mtime_ns, .etag = write_etag(summary_.etag, etag)});
}

// False: the file is not exactly its parts (an attempt that was abandoned left more), or has been
// published and is another key's now.
Task<UploadResult<bool>> Completer::publish_assembly(std::uint64_t slot_bytes) {
  const EntryName name = assembly_name(slot_bytes);
  StagedFile staged;
  auto opened = co_await file::open(directory(), name.c_str(), O_RDWR);
  if (!opened) co_return fail_inside(opened.error());
  staged.file = std::move(*opened);
  struct statx status{};
  const auto known = co_await file::stat(staged.file.get(), "", status);
  if (!known) co_return fail_with(known.error());
  if (status.stx_size != summary_.size) co_return false;
  if (status.stx_nlink > 1) {
    const auto own = co_await was_published({status.stx_ino, nanoseconds_of(status.stx_mtime)});
    if (!own) co_return fail_with(own.error());
    co_return *own;
  }
  // Everything fixed, so that a run after this one, or beside it, writes the same attribute.
  staged.asker = request_.asker;
  staged.id = upload_.record.object_id;
  staged.modified_seconds = sealed_seconds_;
  staged.elsewhere = {directory(), name.c_str()};
  const auto published = co_await seal_and_publish(staged);
  if (!published) co_return std::unexpected(published.error());
  co_return true;
}

// Before a copy is made that nothing would come of; the publish decides. An assembly is not copied,
// so that one which an earlier run has published is not held against itself.
Task<UploadResult<>> Completer::check_early() {
  if (!request_.conditions.any()) co_return UploadResult<>{};
  OpenObject object;
  const auto opened = co_await open_object(store_.options(), request_.bucket, path_, request_.key,
                                           Detail::head, object);
  Result<> held;
  if (opened) {
    held = check_conditions(request_.conditions, object);
  } else if (opened.error().is(ENOENT)) {
    held = check_absent(request_.conditions);
  }
  if (held) co_return UploadResult<>{};
  co_return held.error().is(EEXIST) ? fail_with(UploadFailure::exists) : fail_with(held.error());
}

Task<UploadResult<>> Completer::publish_copy() {
  for (const CopyMark& file : copies_) {
    const auto own = co_await was_published(file);
    if (!own) co_return fail_with(own.error());
    if (*own) co_return UploadResult<>{};
  }
  if (const auto held = co_await check_early(); !held) co_return held;
  StagedFile staged;
  staged.asker = request_.asker;
  const auto begun = co_await stage(store_.options(), request_.bucket, staged);
  if (!begun) co_return fail_with(begun.error());
  Result<> copied;
  std::uint64_t offset = 0;
  for (const StoredPart& part : parts_) {
    copied = co_await copy_part(part.receipt, {staged.file.get(), offset});
    if (!copied) break;
    offset += part.receipt.size;
  }
  UploadResult<> done;
  if (copied) {
    done = co_await seal_and_publish(staged);
  } else {
    done = fail_inside(copied.error());
  }
  if (!done) co_await discard(store_.options(), request_.bucket, staged);
  co_return done;
}

Task<Result<>> Completer::copy_part(const Receipt& part, FilePlace to) {
  const EntryName name =
      part.slot_bytes != 0 ? assembly_name(part.slot_bytes) : part_name(part.part, part.own_id);
  const auto from = co_await file::open(directory(), name.c_str(), O_RDONLY);
  if (!from) co_return std::unexpected(from.error());
  const std::uint64_t offset = part.slot_bytes * (part.part - 1);
  co_return co_await copy_bytes(store_, {from->get(), offset}, to, part.size);
}

Task<Result<>> Completer::note_copy(const StagedFile& staged, std::int64_t mtime_ns) {
  struct statx status{};
  const auto known = co_await file::stat(staged.file.get(), "", status);
  if (!known) co_return known;
  const EntryName name = copy_name({status.stx_ino, mtime_ns});
  const auto noted = co_await file::open(directory(), name.c_str(), O_WRONLY | O_CREAT, 0600);
  if (!noted) co_return std::unexpected(noted.error());
  const int carriers[] = {noted->get()};
  co_return co_await make_names_durable(store_, upload_.directory, carriers);
}

Task<UploadResult<>> Completer::seal_and_publish(StagedFile& staged) {
  MetadataView object = upload_.record.object;
  object.size = summary_.size;
  object.etag = summary_.etag;
  object.checksum = summary_.checksum;
  Tables tables;
  const auto filled = tables.fill(parts_, upload_.record.algorithm(), object);
  if (!filled) co_return fail_with(filled.error());
  const auto sealed =
      co_await seal(store_.options(), request_.bucket, staged, object, request_.owner);
  if (!sealed) co_return fail_with(sealed.error());
  if (!staged.elsewhere) {
    const auto noted = co_await note_copy(staged, object.mtime_ns);
    if (!noted) co_return fail_inside(noted.error());
  }
  const auto published =
      co_await store_.publish(request_.bucket, path_, request_.key, staged, object,
                              CommitKind::complete_upload, request_.conditions);
  if (published) co_return UploadResult<>{};
  // ESTALE: the assembly lost its name, to an abort or to another Complete that was done.
  if (published.error().is(ESTALE)) co_return fail_with(UploadFailure::no_such_upload);
  if (published.error().is(EEXIST)) co_return fail_with(UploadFailure::exists);
  co_return fail_with(published.error());
}

}  // namespace millrace::s3::store::uploads
