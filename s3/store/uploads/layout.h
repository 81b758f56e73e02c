// An upload on disk, BUCKET/.mr.sys/uploads/:
//   ID/                    a live upload; only this name is reachable
//     upload               what CreateMultipartUpload said; here before the id is told
//     open/token           as long as it is there, slots of assemblies may be claimed
//     sealed               made just before `open` goes; its mtime is the object's
//     assembly.SIZE        part N at (N - 1) x SIZE; the file that becomes the object
//     claim.SIZE.N         slot N of that assembly has a writer, or had one (a link of token)
//     part.N.UNIQUE        a part in a file of its own
//     receipt.N.SEQ        part N is complete: digests, and where it is; the highest SEQ counts
//     copy.INODE.MTIME     the file (its number and time) that a Complete which copies publishes:
//                          here before, so that a repetition knows the object for its own
//     t-UNIQUE             on its way to one of these
//   x-ID/                  being removed
//   c-ID                   the memory of a completed upload
// Rules that everything rests on:
//   1. A writer claims, then looks that `open` is there, then writes; never more than its slot.
//      Who publishes an assembly has renamed `open` away before it reads the claims. `open`
//      never comes back. So every writer is seen by the publisher, or sees it and stays away.
//   2. A receipt means that its writer writes no more. An assembly is published only if each
//      claim in it has its receipt and exactly these parts are listed.
//   3. A directory is emptied only after it has lost the name ID. Who has read its entries looks
//      at the name afterwards: if it is there, nothing was missing.
//   4. Receipts are never changed or removed, so their numbers order attempts without a clock.
//   5. An assembly that has a second name has been published: it is not sealed again, since what
//      its attribute says may have changed by an acknowledged request.
#pragma once

#include "s3/store/store.h"
#include "s3/store/uploads/record.h"
#include "s3/store/uploads/upload.h"

#include <string>
#include <vector>

namespace millrace::s3::store::uploads {

inline constexpr const char* record_name = "upload";
inline constexpr const char* open_name = "open";
inline constexpr const char* token_name = "open/token";
inline constexpr const char* closed_name = "closed";
inline constexpr const char* sealed_name = "sealed";

struct EntryName {
  std::array<char, 72> text{};
  const char* c_str() const { return text.data(); }
};
EntryName assembly_name(std::uint64_t slot_bytes);
EntryName claim_name(std::uint64_t slot_bytes, std::uint32_t part);
EntryName receipt_name(std::uint32_t part, std::uint32_t sequence);
EntryName part_name(std::uint32_t part, const std::array<std::uint8_t, 16>& id);
// A file by its inode and its modification time, whose nanoseconds are its own (staging.cpp).
struct CopyMark {
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
};
EntryName copy_name(const CopyMark& mark);
EntryName dying_name(std::string_view id);      // x-ID
EntryName completed_name(std::string_view id);  // c-ID

struct Claim {
  std::uint64_t slot_bytes = 0;
  std::uint32_t part = 0;
};
struct NewestReceipt {
  std::uint32_t part = 0;
  std::uint32_t sequence = 0;
};

// The entries of an upload's directory.
struct Contents {
  std::vector<std::uint64_t> assemblies;  // ascending
  std::vector<Claim> claims;
  std::vector<NewestReceipt> receipts;  // by part, one each
  std::vector<CopyMark> copies;
};
// Takes one name into account; names of other kinds are passed over.
void add_entry(Contents& contents, std::string_view name);
void sort_contents(Contents& contents);
engine::Task<engine::Result<Contents>> read_contents(int directory);

// The names in a directory, in the filesystem's order.
engine::Task<engine::Result<std::vector<std::string>>> read_names(int directory);

// Whether `name` is a directory that has something in it, asked so that no cache of a network
// filesystem can answer: an rmdir that must fail. Gone: false.
engine::Task<engine::Result<bool>> still_there(int above, const char* name);

// A live upload, opened.
struct OpenUpload {
  Directory uploads;  // the directory above
  Directory directory;
  UploadId id;
  UploadRecord record;
};
engine::Task<UploadResult<Directory>> open_uploads(const StoreOptions& options,
                                                   std::string_view bucket);
// no_such_upload also for an upload of another key.
engine::Task<UploadResult<OpenUpload>> open_upload(const StoreOptions& options,
                                                   std::string_view bucket, std::string_view key,
                                                   std::string_view id);

// A file that gets its name when it is whole.
struct Aside {
  engine::Descriptor file;
  UniqueName temporary;
  bool named = false;
};
engine::Task<engine::Result<Aside>> make_aside(const StoreOptions& options, int directory);
// EEXIST when the name is taken; the file then stays aside.
engine::Task<engine::Result<>> link_aside(Aside& aside, int directory, const char* name);
engine::Task<void> drop_aside(Aside& aside, int directory);
// Makes and syncs a small file aside.
engine::Task<engine::Result<Aside>> write_aside(const StoreOptions& options, int directory,
                                                std::span<const std::byte> bytes);

// All bytes of a small file; too_large when over bytes_max.
engine::Task<engine::Result<std::vector<std::byte>>> read_whole(int directory, const char* name,
                                                                std::size_t bytes_max);

// The names in `directory` are on stable storage as far as the mode promises. Where syncing a
// directory does nothing, the descriptors of the files carry their names.
engine::Task<engine::Result<>> make_names_durable(Store& store, const Directory& directory,
                                                  std::span<const int> files);

// Takes the upload's name away and then everything in it. False: it had no name any more.
engine::Task<engine::Result<bool>> remove_upload(Store& store, std::string_view bucket,
                                                 const Directory& uploads, std::string_view id);
// Empties and removes uploads/NAME, whatever still writes into it.
engine::Task<engine::Result<>> remove_tree(const StoreOptions& options, std::string_view bucket,
                                           int uploads, const char* name);

inline UploadError system_error(engine::Error error) {
  return {.failure = UploadFailure::system, .error = error, .part = 0};
}
inline std::unexpected<UploadError> fail_with(engine::Error error) {
  return std::unexpected(system_error(error));
}
inline std::unexpected<UploadError> fail_with(UploadFailure failure, std::uint32_t part = 0) {
  return std::unexpected(UploadError{failure, {}, part});
}
// An entry of a live upload that is missing means that the upload has gone.
inline std::unexpected<UploadError> fail_inside(engine::Error error) {
  return error.is(ENOENT) ? fail_with(UploadFailure::no_such_upload) : fail_with(error);
}

}  // namespace millrace::s3::store::uploads
