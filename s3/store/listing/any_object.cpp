// See the header. Depth first over an explicit stack, since a key has up to 1,025 components; a
// directory's files are looked at before its directories, a buffer at a time.
#include "s3/store/listing/any_object.h"

#include "s3/store/listing/directory_scan.h"
#include "s3/store/paths.h"

#include <fcntl.h>

#include <string>
#include <vector>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr std::size_t buffer_bytes = 32 * 1024;
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;

struct Level {
  Descriptor directory;
  NameDecoder::Mark mark;
  std::vector<std::string> below;  // directories of the last buffer that are still to be entered
};

class Search {
 public:
  Search(const StoreOptions& options, const NameDecoder& decoder)
      : options_(options), decoder_(decoder), base_bytes_(decoder.key().size()) {}

  Task<Result<bool>> run(Descriptor directory) {
    levels_.push_back({std::move(directory), decoder_.mark(), {}});
    while (!levels_.empty()) {
      Level& level = levels_.back();
      decoder_.restore(level.mark);
      if (!level.below.empty()) {
        const auto entered = co_await enter(level);
        if (!entered) co_return std::unexpected(entered.error());
        continue;
      }
      const auto got = co_await file::read_directory(level.directory.get(),
                                                     std::span(buffer_.get(), buffer_bytes));
      if (!got && !directory_gone(got.error())) co_return std::unexpected(got.error());
      if (!got || *got == 0) {
        levels_.pop_back();
        continue;
      }
      const auto found = co_await look(level, *got);
      if (!found || *found) co_return found;
    }
    co_return false;
  }

 private:
  // Goes down into the last of the directories that were set aside.
  Task<Result<>> enter(Level& level) {
    const std::string name = std::move(level.below.back());
    level.below.pop_back();
    if (refused(decoder_.directory(name))) co_return Result<>{};
    auto opened =
        co_await open_to_read(options_.abilities.local, level.directory.get(), name.c_str());
    if (!opened) {
      if (directory_gone(opened.error())) co_return Result<>{};
      co_return std::unexpected(opened.error());
    }
    levels_.push_back({std::move(*opened), decoder_.mark(), {}});
    co_return Result<>{};
  }

  Task<Result<bool>> look(Level& level, std::size_t bytes) {
    EntryReader reader(level.directory.get(), std::span(buffer_.get(), bytes));
    ScannedName entry;
    bool unknown = false;
    while (reader.next(entry, unknown)) {
      if (unknown) {
        const auto resolved = co_await reader.resolve(entry);
        if (!resolved) co_return std::unexpected(resolved.error());
        if (!*resolved) continue;
      }
      if (entry.is_directory) {
        level.below.emplace_back(entry.name);
        continue;
      }
      const bool object =
          !refused(decoder_.file(entry.name)) && decoder_.key().size() >= base_bytes_;
      decoder_.restore(level.mark);
      if (object) co_return true;
    }
    co_return false;
  }

  const StoreOptions& options_;
  NameDecoder decoder_;
  const std::size_t base_bytes_;
  std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
  std::vector<Level> levels_;
};

}  // namespace

Task<Result<Descriptor>> open_to_read(bool local, int directory, const char* path) {
  if (local) {
    auto cached = file::open_cached(directory, path, directory_flags);
    if (cached || !cached.error().is(EAGAIN)) co_return cached;
  }
  co_return co_await file::open(directory, path, directory_flags);
}

Task<Result<bool>> any_object_below(const StoreOptions& options, Descriptor directory,
                                    const NameDecoder& decoder) {
  Search search(options, decoder);
  co_return co_await search.run(std::move(directory));
}

Task<Result<bool>> holds_object(const StoreOptions& options, std::string_view bucket) {
  const MappedPath root;
  auto opened = co_await open_to_read(options.abilities.local, options.data_fd,
                                      BucketPath(bucket, root, 0).c_str());
  if (!opened) {
    co_return std::unexpected(directory_gone(opened.error()) ? engine::Error::from_errno(ENOENT)
                                                             : opened.error());
  }
  co_return co_await any_object_below(options, std::move(*opened), NameDecoder());
}

}  // namespace millrace::s3::store
