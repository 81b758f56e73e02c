// One attempt at one part: begun, written, and then either finished, which gives it a receipt, or
// abandoned. Owned by the request that uploads; pieces may be written in any order, several at a
// time. layout.h has the rules that keep a late attempt away from a published object.
#pragma once

#include "s3/store/copy_bytes.h"
#include "s3/store/uploads/layout.h"

namespace millrace::s3::store {

// What the server found out about the part while it came in.
struct PartDigests {
  std::uint64_t size = 0;
  Md5::Digest md5{};
  ChecksumValue checksum;                 // of the upload's algorithm; none where it has none
  std::span<const std::uint64_t> blocks;  // XXH3-64 of each block_bytes, the last may be short
};

enum class Room : std::uint8_t {
  allocated,  // before the part comes
  as_needed,  // for parts whose blocks may be shared with another file
};

class PartWriter {
 public:
  explicit PartWriter(Store& store) : store_(store) {}
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  // `bytes`: how many will come; unknown for a body that does not tell. The views must live as
  // long as the writer. Errors: no_such_bucket, no_such_upload, entity_too_large,
  // invalid_request (number), system (ENOSPC: known before the body is read).
  engine::Task<UploadResult<>> begin(std::string_view bucket, std::string_view key,
                                     std::string_view id, std::uint32_t number,
                                     std::optional<std::uint64_t> bytes,
                                     Room room = Room::allocated);

  // After begin(). What the upload wants of its parts.
  ChecksumAlgorithm algorithm() const { return upload_->record.algorithm(); }
  UploadKind kind() const {
    const uploads::UploadRecord& record = upload_->record;
    return {record.algorithm(), record.object.checksum.type, record.checksum_by_default};
  }
  // Whether the part goes to its place in an assembly.
  bool in_assembly() const { return slot_bytes_ != 0; }

  // `offset`: within the part. too_large: beyond what begin() was told.
  engine::Task<engine::Result<>> write(std::span<const std::byte> from, std::uint64_t offset);
  // The whole part from a file (copy_bytes.h); with a digest, which then has seen it, by reading.
  engine::Task<engine::Result<>> copy(FilePlace from, std::uint64_t bytes, ContentDigest* digest,
                                      Asker asker);

  // The part is whole: makes it durable and gives it its receipt. No write may be in flight.
  // Errors: no_such_upload (aborted or completed meanwhile), invalid_request (digests that do
  // not fit size or algorithm), system. Call abandon() after an error.
  engine::Task<UploadResult<>> finish(const PartDigests& digests);
  // The part will not be whole. No write may be in flight. A writer that is destroyed without
  // it costs the upload only its O(1) completion.
  engine::Task<void> abandon();

 private:
  enum class Claimed : std::uint8_t { yes, no };
  engine::Task<engine::Result<std::optional<std::uint64_t>>> choose_assembly(std::uint64_t bytes);
  engine::Task<engine::Result<Claimed>> claim(std::uint64_t slot_bytes);
  engine::Task<engine::Result<bool>> take_slot(std::uint64_t bytes);
  engine::Task<engine::Result<>> allocate(std::uint64_t bytes);
  engine::Task<engine::Result<std::uint32_t>> give_receipt(const PartDigests& digests);
  engine::Task<void> drop_superseded(std::uint32_t sequence);
  int directory() const { return upload_->directory.fd.get(); }

  Store& store_;
  std::string_view bucket_;
  std::optional<uploads::OpenUpload> upload_;
  std::uint32_t number_ = 0;
  std::optional<std::uint64_t> bytes_;
  Room room_ = Room::allocated;
  std::uint64_t slot_bytes_ = 0;  // of the assembly that holds the claim; 0: a file of its own
  engine::Descriptor assembly_;
  uploads::Aside own_;
  std::array<std::uint8_t, 16> own_id_{};
  std::uint64_t base_ = 0;  // where the part begins in the file
  int file_ = -1;
  bool receipted_ = false;
};

}  // namespace millrace::s3::store
