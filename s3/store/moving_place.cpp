// See moving_place.h.
#include "s3/store/moving_place.h"

#include "s3/store/directory_reader.h"
#include "s3/store/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr std::string_view note_suffix = ".path";
constexpr int read_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

UniqueName hash_name(std::string_view object) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(object.data(), object.size()));
  std::array<std::uint8_t, 16> bytes;
  static_assert(sizeof bytes == sizeof canonical.digest);
  std::copy_n(canonical.digest, bytes.size(), bytes.begin());
  return unique_name("", bytes);
}

// The mapped path in a note. ENOENT: no note of that name.
Task<Result<std::string>> note_text(int above, const char* name) {
  const auto opened = co_await file::open(above, name, read_flags);
  if (!opened) co_return std::unexpected(opened.error());
  std::string text(path_bytes_max + 1, '\0');
  const auto got = co_await file::read(opened->get(), std::as_writable_bytes(std::span(text)), 0);
  if (!got) co_return std::unexpected(got.error());
  text.resize(*got);
  co_return text;
}

}  // namespace

std::string_view object_view(const MappedPath& path, std::size_t names) {
  const auto last = path.name(names - 1);
  return {path.view().data(),
          static_cast<std::size_t>(last.data() + last.size() - path.view().data())};
}

MovingNames::MovingNames(std::string_view bucket, std::string_view object) {
  const UniqueName hash = hash_name(object);
  char* end = link_.data();
  for (const std::string_view piece :
       {bucket, std::string_view("/"), system_name, std::string_view("/"), moving_directory_name,
        std::string_view("/")}) {
    end = std::ranges::copy(piece, end).out;
  }
  leaf_at_ = static_cast<std::size_t>(end - link_.data());
  end = std::ranges::copy(std::string_view(hash.c_str()), end).out;
  const auto size = static_cast<std::size_t>(end - link_.data());
  note_ = link_;
  std::ranges::copy(note_suffix, note_.data() + size);
}

Task<Result<NoteOwner>> read_note(int above, const char* name, std::string_view object) {
  const auto text = co_await note_text(above, name);
  if (!text && text.error().is(ENOENT)) co_return NoteOwner::none;
  if (!text) co_return std::unexpected(text.error());
  if (*text == object) co_return NoteOwner::mine;
  const bool whole = std::string_view(hash_name(*text).c_str()) == hash_name(object).c_str();
  co_return whole ? NoteOwner::other : NoteOwner::none;
}

Task<Result<>> write_note(const StoreOptions& options, std::string_view bucket,
                          std::string_view object, int moving) {
  const MovingNames names(bucket, object);
  const auto owner = co_await read_note(moving, names.note(), object);
  if (!owner) co_return std::unexpected(owner.error());
  if (*owner == NoteOwner::mine) co_return Result<>{};
  if (*owner == NoteOwner::other) co_return engine::fail_errno(EAGAIN);
  // Gets its name when it is whole; what is left in staging is swept there.
  const auto staging = co_await open_system_directory(options, bucket, "staging");
  if (!staging) co_return std::unexpected(staging.error());
  const UniqueName aside = unique_name("n-", random_id());
  const auto made =
      co_await file::open(staging->get(), aside.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!made) co_return std::unexpected(made.error());
  auto done = co_await file::write(made->get(), std::as_bytes(std::span(object)), 0);
  const bool syncs = options.durability != Durability::none;
  if (done && syncs) done = co_await sync_file(options, made->get());
  if (done) {
    std::ignore = co_await file::unlink(moving, names.note());  // a torn one
    done = co_await file::link(staging->get(), aside.c_str(), moving, names.note());
    if (!done && done.error().is(EEXIST)) done = engine::fail_errno(EAGAIN);
  }
  std::ignore = co_await file::unlink(staging->get(), aside.c_str());
  // Where a directory's sync does nothing, the file's own carries its name.
  if (done && syncs && options.abilities.directory_sync != DirectorySync::works) {
    done = co_await sync_file(options, made->get());
  }
  co_return done;
}

Task<Result<bool>> may_be_moving(const StoreOptions& options, std::string_view bucket,
                                 std::string_view object) {
  const MovingNames names(bucket, object);
  struct statx status{};
  const auto known = co_await file::stat(options.data_fd, names.link_path(), status);
  if (known) co_return true;
  if (known.error().is(ENOENT)) co_return false;
  co_return std::unexpected(known.error());
}

Task<Result<Descriptor>> open_moving(const StoreOptions& options, std::string_view bucket,
                                     std::string_view object) {
  const MovingNames names(bucket, object);
  auto opened = co_await file::open(options.data_fd, names.link_path(), read_flags);
  if (!opened) co_return opened;
  // Without its note H is not the only name of the file: the object is under its key again.
  const auto owner = co_await read_note(options.data_fd, names.note_path(), object);
  if (!owner) co_return std::unexpected(owner.error());
  if (*owner != NoteOwner::mine) co_return engine::fail_errno(ENOENT);
  co_return opened;
}

Task<Result<std::vector<std::string>>> noted_objects(int moving) {
  std::vector<std::string> objects;
  const auto own = co_await file::open(moving, ".", O_RDONLY | O_DIRECTORY);
  if (!own) co_return std::unexpected(own.error());
  DirectoryReader reader(own->get());
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return objects;
    const std::string name((*entry)->view());
    if (!name.ends_with(note_suffix)) continue;
    auto text = co_await note_text(moving, name.c_str());
    if (!text && text.error().is(ENOENT)) continue;  // that move has ended
    if (!text) co_return std::unexpected(text.error());
    if (hash_name(*text).c_str() + std::string(note_suffix) != name) continue;
    objects.push_back(std::move(*text));
  }
}

Task<Result<bool>> holds_moving_object(int above, const char* name) {
  const auto moving = co_await file::open(above, name, O_RDONLY | O_DIRECTORY);
  if (!moving && moving.error().is(ENOENT)) co_return false;
  if (!moving) co_return std::unexpected(moving.error());
  const auto objects = co_await noted_objects(moving->get());
  if (!objects) co_return std::unexpected(objects.error());
  for (const std::string& object : *objects) {
    const UniqueName link = hash_name(object);
    struct statx status{};
    const auto known = co_await file::stat(moving->get(), link.c_str(), status);
    if (known) co_return true;
    if (!known.error().is(ENOENT)) co_return std::unexpected(known.error());
  }
  co_return false;
}

}  // namespace millrace::s3::store
