// An object becomes a directory without RENAME_EXCHANGE (GlusterFS, CephFS, Lustre, NFS): its file
// passes through BUCKET/.mr.sys/moving (moving_place.h) and becomes `.mr.f` of the directory.
//   note and link aside; sync; unlink the key's name; make the directory; link `.mr.f` in it;
//   sync it and all above; unlink aside
// All of it happens under the key's lock, and whoever takes that lock looks first whether somebody
// who ended midway has left the object aside: so letting the lock go midway is as safe as dying.
// tests/explorer/file_directory_test.cpp proves it, power cuts included. Owned by the request.
#pragma once

#include "s3/store/moving_place.h"

namespace millrace::s3::store {

// Syncs the bucket's moving directory, if there is one, and where directory syncs do nothing
// `carrier` (-1: none), a file whose sync takes with it what was done in there before.
engine::Task<engine::Result<>> sync_moving(const StoreOptions& options, DirectorySyncs& syncs,
                                           std::string_view bucket, int carrier);

class Mover {
 public:
  struct Object {
    std::string_view bucket;
    MappedPath& path;  // of which it is the first `names` names
    std::size_t names;
    int parent;  // the open directory of its last name
    std::string_view view() const { return object_view(path, names); }
  };
  Mover(const StoreOptions& options, SyncedDirectories& synced, DirectorySyncs& syncs,
        const Object& object);
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;

  // Puts right what was left aside of this object, if anything was. Costs one stat when not.
  // ENOENT: the directory `parent` was removed meanwhile; make it again (without the lock: making
  // it may take another) and come back.
  engine::Task<engine::Result<>> repair();
  // Makes the object, which is a file under its name, a directory. After repair(). Nothing
  // happens when the file has gone. Errors: as repair(); EAGAIN: another object that has the same
  // hash is on its way.
  engine::Task<engine::Result<>> begin();

 private:
  enum class Step : std::uint8_t { done, again };
  engine::Task<engine::Result<Step>> repair_once();
  engine::Task<engine::Result<Step>> finish(int moving, int moved);
  engine::Task<engine::Result<>> leave_name(int moving, int moved);
  engine::Task<engine::Result<>> make_durable(const Directory& directory, int moved);
  engine::Task<engine::Result<>> drop(int moving);
  bool syncing() const { return options_.durability != Durability::none; }

  const StoreOptions& options_;
  SyncedDirectories& synced_;
  DirectorySyncs& syncs_;
  const Object object_;
  const MovingNames names_;
  std::array<char, name_bytes_max + 1> leaf_{};
};

}  // namespace millrace::s3::store
