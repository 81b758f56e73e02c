// Multipart uploads: what the rest of S3 sees of them. An upload is a directory
// BUCKET/.mr.sys/uploads/ID; every node sees the same one and none keeps state of its own.
// layout.h tells what lies in it and which rules hold; README.md tells why.
// All calls are coroutines on the shard that owns the Store.
#pragma once

#include "s3/digest/checksum.h"
#include "s3/error.h"
#include "s3/store/metadata.h"
#include "s3/store/store.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

inline constexpr std::uint32_t upload_part_number_max = 10'000;
inline constexpr std::uint64_t upload_part_bytes_max = 5ULL << 30;
inline constexpr std::uint64_t upload_part_bytes_min = 5ULL << 20;  // of all parts but the last

// 12 hexadecimal digits of the time of creation (so that ids of one key sort by it, the order
// that ListMultipartUploads has) and 32 random ones.
class UploadId {
 public:
  static constexpr std::size_t size = 44;
  // Nothing unless the text is exactly what make() gives: an id is a name on disk.
  static std::optional<UploadId> parse(std::string_view text);
  static UploadId make(std::uint64_t created_ms);
  std::string_view view() const { return {text_.data(), size}; }
  const char* c_str() const { return text_.data(); }
  std::uint64_t created_ms() const;

 private:
  UploadId() = default;
  std::array<char, size + 1> text_{};
};

enum class UploadFailure : std::uint8_t {
  no_such_bucket,
  no_such_upload,      // never was, is another key's, was aborted, or is completed
  invalid_part,        // `part` is not there, or its ETag or checksum is another
  entity_too_small,    // `part` is not the last and under upload_part_bytes_min
  entity_too_large,    // a part over upload_part_bytes_max
  invalid_request,     // a part number out of range, digests missing
  bad_digest,          // the whole object's checksum is another than the client says
  object_size,         // the object's size is another
  checksum_type,       // the upload's is another than Complete says
  checksum_algorithm,  // the upload's is another than that of the checksum that Complete states
  checksum_missing,    // `part` is listed without the checksum that a composite is made of
  exists,              // must_not_exist, and the key has an object
  system,              // `error` says what
};

struct UploadError {
  UploadFailure failure = UploadFailure::system;
  engine::Error error;           // of `system`
  std::uint32_t part = 0;        // of invalid_part, entity_too_small, checksum_missing
  std::uint64_t part_bytes = 0;  // of entity_too_small
  // Of the upload, for the failures about checksums.
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
  StoredChecksumType checksum_type = StoredChecksumType::full_object;
};
template <class T = void>
using UploadResult = std::expected<T, UploadError>;

ErrorCode error_code_of(const UploadError& error);

// What an upload wants of the checksums of its parts.
struct UploadKind {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
  StoredChecksumType type = StoredChecksumType::full_object;
  bool by_default = false;  // nobody asked for it, so parts may come with others
};

// What CreateMultipartUpload says about the object to come.
struct NewUpload {
  std::string_view key;
  std::string_view initiator;  // principal; may be empty
  std::string_view owner;
  // Content type, fields (storage class too), user metadata and tags of the object; and in
  // `checksum` the algorithm and type (no value) that parts and object will have. The
  // checksum's type must be one the algorithm knows (checksum_type_possible).
  const MetadataView* object = nullptr;
  // Without an algorithm: to give parts and object the one that the service adds by itself.
  bool default_checksum = false;
};

// Errors: no_such_bucket, invalid_request (checksum type, metadata over 60 KiB), system.
engine::Task<UploadResult<UploadId>> create_upload(Store& store, std::string_view bucket,
                                                   const NewUpload& upload);

struct UploadInfo {
  std::string key;
  std::string id;
  std::int64_t initiated_ms = 0;
  std::string storage_class;  // empty: STANDARD
  std::string initiator;
  std::string owner;
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;  // none, too, if nobody asked for one
  StoredChecksumType checksum_type = StoredChecksumType::full_object;
};

// What is known of an upload. Errors: no_such_bucket, no_such_upload, system.
engine::Task<UploadResult<UploadInfo>> describe_upload(Store& store, std::string_view bucket,
                                                       std::string_view key, std::string_view id);

// Ends the upload; parts still being written get no_such_upload, and nothing of them stays.
// Errors: no_such_bucket, no_such_upload, system.
engine::Task<UploadResult<>> abort_upload(Store& store, std::string_view bucket,
                                          std::string_view key, std::string_view id);

// A part as CompleteMultipartUpload lists it; the list ascends and is not empty.
struct ListedPart {
  std::uint32_t number = 0;
  std::string_view etag;                  // without quotes
  std::optional<ChecksumValue> checksum;  // compared where given
};

// What the client says of the whole object's checksum; compared where given.
struct StatedChecksum {
  std::optional<ChecksumValue> value;
  std::uint32_t parts = 0;                 // the N of "VALUE-N"; 0: it had none
  std::optional<StoredChecksumType> type;  // x-amz-checksum-type
};

struct CompleteRequest {
  std::string_view bucket;
  std::string_view key;
  std::string_view id;
  std::span<const ListedPart> parts;
  std::optional<std::uint64_t> object_bytes;  // x-amz-mp-object-size
  StatedChecksum checksum;
  Ownership owner;
  WriteConditions conditions;  // not met: exists, or `system` with a number of conditions.h
  Asker asker;
};

struct Completed {
  Etag etag;
  std::uint64_t size = 0;
  ObjectChecksum checksum;
  bool copied = false;    // the parts had to be copied (or reflinked) together
  bool repeated = false;  // an earlier Complete had done it already
};

// Publishes the listed parts as the object `key`, which `path` is mapped from. May be repeated
// after any failure; once it has succeeded a repetition with the same list is answered alike
// until sweep_uploads() forgets it. Errors: all but entity_too_large.
engine::Task<UploadResult<Completed>> complete_upload(Store& store, MappedPath& path,
                                                      const CompleteRequest& request);

struct PartInfo {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  Md5::Digest md5{};  // the ETag
  ChecksumValue checksum;
};

struct PartList {
  UploadInfo upload;
  std::vector<PartInfo> parts;
  bool truncated = false;  // then the marker of the next page is the last part's number
};

// Parts with numbers above `after`, ascending, at most `max`. Errors: no_such_bucket,
// no_such_upload, system.
engine::Task<UploadResult<PartList>> list_parts(Store& store, std::string_view bucket,
                                                std::string_view key, std::string_view id,
                                                std::uint32_t after, std::size_t max);

struct UploadListRequest {
  std::string_view prefix;
  std::string_view delimiter;
  std::string_view key_marker;
  std::string_view id_marker;  // has no meaning without a key_marker
  std::size_t max = 1000;
};

struct UploadList {
  std::vector<UploadInfo> uploads;  // by key, then by time of creation
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key_marker;
  std::string next_id_marker;  // empty when the page ended with a common prefix
};

// Reads every upload's record: made for thousands, not for millions.
engine::Task<UploadResult<UploadList>> list_uploads(Store& store, std::string_view bucket,
                                                    const UploadListRequest& request);

// What sweep_uploads() takes, by age.
struct UploadAges {
  // What dead processes have left (half-removed and half-made uploads), and the memory of completed
  // ones: by its last change.
  std::uint64_t leftover_seconds = 0;
  // Uploads that nobody completed or aborted: by their creation. Nothing: they stay.
  std::optional<std::uint64_t> upload_seconds;
};

// How many it removed. Run now and then; safe beside everything else. Ends early when the shard
// stops.
engine::Task<UploadResult<std::size_t>> sweep_uploads(Store& store, std::string_view bucket,
                                                      const UploadAges& ages);

}  // namespace millrace::s3::store
