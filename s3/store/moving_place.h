// BUCKET/.mr.sys/moving/: where an object's file has a name while its key turns from a file into a
// directory (moving.h), on filesystems without RENAME_EXCHANGE. H is the hash of the mapped path:
//   H        a link of the object's file
//   H.path   the mapped path, whole and synced before H is there, removed after it: H alone does
//            not tell whose it is, and other paths may have its hash
// Owned by the request. Filesystems with the exchange never look here but at start.
#pragma once

#include "s3/store/directories.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

inline constexpr std::string_view moving_directory_name = "moving";

// The mapped path of the object of the first `names` names: what locks, notes and hashes are of.
std::string_view object_view(const MappedPath& path, std::size_t names);

// The two names of one object; NUL-terminated.
class MovingNames {
 public:
  // `object` is its mapped path.
  MovingNames(std::string_view bucket, std::string_view object);
  const char* link() const { return link_.data() + leaf_at_; }
  const char* note() const { return note_.data() + leaf_at_; }
  // The same, from the data directory: a name that moved with its directory is not found by it.
  const char* link_path() const { return link_.data(); }
  const char* note_path() const { return note_.data(); }

 private:
  static constexpr std::size_t room = bucket_name_bytes_max + 65;
  std::array<char, room> link_{};
  std::array<char, room> note_{};
  std::size_t leaf_at_ = 0;
};

enum class NoteOwner : std::uint8_t {
  none,   // no note, or a torn one (only where nothing was synced)
  mine,   // it names this object
  other,  // another object with the same hash is on its way
};
// `above` and `name`: a note by one of its names.
engine::Task<engine::Result<NoteOwner>> read_note(int above, const char* name,
                                                  std::string_view object);
// EAGAIN: another object with the same hash is on its way. Only under the key's lock.
engine::Task<engine::Result<>> write_note(const StoreOptions& options, std::string_view bucket,
                                          std::string_view object, int moving);

// Whether a file for this object may be there (its hash is). For who holds no lock.
engine::Task<engine::Result<bool>> may_be_moving(const StoreOptions& options,
                                                 std::string_view bucket, std::string_view object);

// For a reader that has found nothing under the key: the object's file, if it is on its way.
// ENOENT: it is not (any more); then look under the key once more before saying that there is none.
engine::Task<engine::Result<engine::Descriptor>> open_moving(const StoreOptions& options,
                                                             std::string_view bucket,
                                                             std::string_view object);

// Mapped paths of notes in an open moving directory, also of those whose H has gone; what is no
// whole note is passed over.
engine::Task<engine::Result<std::vector<std::string>>> noted_objects(int moving);
// Whether an object is in the moving directory `name` of `above`; false if there is none.
engine::Task<engine::Result<bool>> holds_moving_object(int above, const char* name);

}  // namespace millrace::s3::store
