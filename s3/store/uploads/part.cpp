// See part.h.
#include "s3/store/uploads/part.h"

#include <fcntl.h>

#include <algorithm>

namespace millrace::s3::store {

using namespace uploads;
using engine::Descriptor;
using engine::Errc;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// An upload with more sizes than this is not one of equal parts.
constexpr std::size_t assemblies_max = 4;
// Below ext4's limit of 16 TiB for a file; parts that would lie beyond get files of their own.
constexpr std::uint64_t assembly_bytes_max = 15ULL << 40;
constexpr std::uint32_t attempts_max = 100'000;

bool fits(std::uint64_t slot_bytes, std::uint32_t number) {
  return slot_bytes <= assembly_bytes_max / number;
}

// A directory without a name refuses new files in many ways (ext4's O_TMPFILE: EPERM).
Task<UploadError> explain(const std::optional<OpenUpload>& upload, engine::Error error) {
  const auto live = co_await still_there(upload->uploads.fd.get(), upload->id.c_str());
  if (live && !*live) co_return UploadError{UploadFailure::no_such_upload, {}, 0};
  co_return system_error(error);
}

}  // namespace

Task<UploadResult<>> PartWriter::begin(std::string_view bucket, std::string_view key,
                                       std::string_view id, std::uint32_t number,
                                       std::optional<std::uint64_t> bytes, Room room) {
  CHECK(!upload_);
  if (number == 0 || number > upload_part_number_max) {
    co_return fail_with(UploadFailure::invalid_request);
  }
  if (bytes && *bytes > upload_part_bytes_max) co_return fail_with(UploadFailure::entity_too_large);
  auto opened = co_await open_upload(store_.options(), bucket, key, id);
  if (!opened) co_return std::unexpected(opened.error());
  bucket_ = bucket;
  upload_.emplace(std::move(*opened));
  number_ = number;
  bytes_ = bytes;
  room_ = room;
  if (bytes && *bytes != 0) {
    const auto taken = co_await take_slot(*bytes);
    if (!taken) co_return std::unexpected(co_await explain(upload_, taken.error()));
    if (*taken) co_return UploadResult<>{};
  }
  auto own = co_await make_aside(store_.options(), directory());
  if (!own) co_return std::unexpected(co_await explain(upload_, own.error()));
  own_ = std::move(*own);
  own_id_ = random_id();
  file_ = own_.file.get();
  base_ = 0;
  if (const auto allocated = co_await allocate(bytes.value_or(0)); !allocated) {
    co_await abandon();
    co_return fail_with(allocated.error());
  }
  co_return UploadResult<>{};
}

// The assembly for a part of this size: that of just this size, else the smallest of larger
// parts (the part is then probably the last), else a new one.
Task<Result<std::optional<std::uint64_t>>> PartWriter::choose_assembly(std::uint64_t bytes) {
  auto same = co_await file::open(directory(), assembly_name(bytes).c_str(), O_RDWR);
  std::uint64_t slot_bytes = bytes;
  if (!same && same.error().is(ENOENT)) {
    const auto contents = co_await read_contents(directory());
    if (!contents) co_return std::unexpected(contents.error());
    const auto larger = std::ranges::upper_bound(contents->assemblies, bytes);
    if (larger != contents->assemblies.end()) {
      slot_bytes = *larger;
    } else if (contents->assemblies.size() >= assemblies_max) {
      co_return std::optional<std::uint64_t>{};
    }
    if (!fits(slot_bytes, number_)) co_return std::optional<std::uint64_t>{};
    same = co_await file::open(directory(), assembly_name(slot_bytes).c_str(), O_RDWR | O_CREAT,
                               store_.options().file_mode);
  }
  if (!same) co_return std::unexpected(same.error());
  if (!fits(slot_bytes, number_)) co_return std::optional<std::uint64_t>{};
  assembly_ = std::move(*same);
  co_return slot_bytes;
}

// Rule 1. A claim that came too late is taken back: nothing was written under it.
Task<Result<PartWriter::Claimed>> PartWriter::claim(std::uint64_t slot_bytes) {
  const EntryName name = claim_name(slot_bytes, number_);
  const auto linked = co_await file::link(directory(), token_name, directory(), name.c_str());
  if (!linked) {
    const auto& error = linked.error();
    // Taken; or the upload is closed; or the filesystem has no more links of one file.
    if (error.is(EEXIST) || error.is(ENOENT) || error.is(EMLINK)) co_return Claimed::no;
    co_return std::unexpected(error);
  }
  const auto open = co_await still_there(directory(), open_name);
  if (open && *open) co_return Claimed::yes;
  std::ignore = co_await file::unlink(directory(), name.c_str());
  if (!open) co_return std::unexpected(open.error());
  co_return Claimed::no;
}

Task<Result<bool>> PartWriter::take_slot(std::uint64_t bytes) {
  const auto chosen = co_await choose_assembly(bytes);
  if (!chosen) co_return std::unexpected(chosen.error());
  if (!*chosen) co_return false;
  const auto claimed = co_await claim(**chosen);
  if (!claimed) co_return std::unexpected(claimed.error());
  if (*claimed == Claimed::no) {
    assembly_.reset();
    co_return false;
  }
  slot_bytes_ = **chosen;
  file_ = assembly_.get();
  base_ = (number_ - 1) * slot_bytes_;
  const auto room = co_await allocate(bytes);
  if (room) co_return true;
  co_await abandon();
  if (room.error().is(EFBIG)) co_return false;
  co_return std::unexpected(room.error());
}

// A full disk is known before the body has come, and parallel parts do not interleave their
// extents. Filesystems that cannot are no worse off.
Task<Result<>> PartWriter::allocate(std::uint64_t bytes) {
  if (bytes == 0 || room_ == Room::as_needed) co_return Result<>{};
  const auto done = co_await file::allocate(file_, base_, bytes);
  if (done || done.error().is(EOPNOTSUPP) || done.error().is(ENOSYS)) co_return Result<>{};
  co_return done;
}

Task<Result<>> PartWriter::write(std::span<const std::byte> from, std::uint64_t offset) {
  const std::uint64_t limit = bytes_.value_or(upload_part_bytes_max);
  if (offset > limit || from.size() > limit - offset) co_return engine::fail(Errc::too_large);
  co_return co_await file::write(file_, from, base_ + offset);
}

Task<Result<>> PartWriter::copy(FilePlace from, std::uint64_t bytes, ContentDigest* digest,
                                Asker asker) {
  if (bytes > bytes_.value_or(upload_part_bytes_max)) co_return engine::fail(Errc::too_large);
  const FilePlace to{file_, base_};
  if (digest == nullptr) co_return co_await copy_bytes(store_, from, to, bytes, asker);
  co_return co_await copy_digested(store_, from, to, bytes, *digest, asker);
}

Task<UploadResult<>> PartWriter::finish(const PartDigests& digests) {
  CHECK(file_ >= 0);
  const std::uint64_t blocks = (digests.size + block_bytes - 1) / block_bytes;
  if (digests.size > upload_part_bytes_max) co_return fail_with(UploadFailure::entity_too_large);
  if ((bytes_ && *bytes_ != digests.size) || digests.blocks.size() != blocks ||
      digests.checksum.algorithm != algorithm()) {
    co_return fail_with(UploadFailure::invalid_request);
  }
  if (store_.options().durability != Durability::none) {
    const auto synced = co_await sync_file(store_.options(), file_);
    if (!synced) co_return std::unexpected(co_await explain(upload_, synced.error()));
  }
  if (!in_assembly()) {
    const auto named = co_await link_aside(own_, directory(), part_name(number_, own_id_).c_str());
    if (!named) co_return std::unexpected(co_await explain(upload_, named.error()));
  }
  const auto sequence = co_await give_receipt(digests);
  if (!sequence) co_return std::unexpected(co_await explain(upload_, sequence.error()));
  // Rule 3: what was put into a directory without a name is lost.
  const auto live = co_await still_there(upload_->uploads.fd.get(), upload_->id.c_str());
  if (!live) co_return fail_with(live.error());
  if (!*live) co_return fail_with(UploadFailure::no_such_upload);
  co_await drop_superseded(*sequence);
  co_return UploadResult<>{};
}

// The next number by EEXIST: whoever finishes later gets the higher one.
Task<Result<std::uint32_t>> PartWriter::give_receipt(const PartDigests& digests) {
  Receipt receipt{
      .part = number_,
      .size = digests.size,
      .acknowledged_ms = static_cast<std::int64_t>(engine::Shard::current().wall_ns() / 1'000'000),
      .md5 = digests.md5,
      .checksum = digests.checksum,
      .blocks = std::vector(digests.blocks.begin(), digests.blocks.end()),
      .slot_bytes = slot_bytes_,
      .own_id = own_id_,
  };
  auto aside = co_await write_aside(store_.options(), directory(), encode_receipt(receipt));
  if (!aside) co_return std::unexpected(aside.error());
  Result<> linked = engine::fail_errno(EEXIST);
  std::uint32_t sequence = 0;
  receipted_ = true;  // also if the link fails: it may have had its effect all the same
  while (!linked && linked.error().is(EEXIST) && sequence < attempts_max) {
    const EntryName name = receipt_name(number_, ++sequence);
    linked = co_await link_aside(*aside, directory(), name.c_str());
  }
  if (!linked) {
    co_await drop_aside(*aside, directory());
    co_return std::unexpected(linked.error());
  }
  const int carriers[] = {aside->file.get(), file_};
  const auto durable = co_await make_names_durable(store_, upload_->directory, carriers);
  if (!durable) co_return std::unexpected(durable.error());
  co_return sequence;
}

// The data of the attempt before: its receipt counts no more and stays only for its number.
Task<void> PartWriter::drop_superseded(std::uint32_t sequence) {
  if (sequence < 2) co_return;
  const EntryName name = receipt_name(number_, sequence - 1);
  const auto bytes = co_await read_whole(directory(), name.c_str(), receipt_bytes_max);
  if (!bytes) co_return;
  const auto before = decode_receipt(*bytes);
  if (!before || before->slot_bytes != 0) co_return;
  std::ignore = co_await file::unlink(directory(), part_name(number_, before->own_id).c_str());
}

Task<void> PartWriter::abandon() {
  if (!upload_) co_return;
  if (in_assembly() && !receipted_ && store_.options().abilities.local) {
    // Nothing is on its way into the slot any more, so the next attempt may have it. Elsewhere
    // than on a local filesystem this node's cached pages could still reach it later.
    const EntryName name = claim_name(slot_bytes_, number_);
    std::ignore = co_await file::unlink(directory(), name.c_str());
  }
  slot_bytes_ = 0;
  file_ = -1;
  co_await drop_aside(own_, directory());
  co_await file::close(std::move(assembly_));
}

}  // namespace millrace::s3::store
