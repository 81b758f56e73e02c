// See tree.h. Entries are removed while their directory is read, which may make the reading
// skip some on some filesystems; rmdir then refuses, and the caller sees ENOTEMPTY.
#include "s3/store/tree.h"

#include "s3/store/directory_reader.h"

#include <fcntl.h>

#include <dirent.h>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {
constexpr int directory_flags = O_RDONLY | O_DIRECTORY;
}

Task<Result<bool>> remove_empty_directories(int directory, std::string_view spared) {
  const auto own = co_await file::open(directory, ".", directory_flags);
  if (!own) co_return std::unexpected(own.error());
  DirectoryReader reader(own->get());
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return true;
    const std::string name((*entry)->view());
    if (name == spared) continue;
    const auto inner = co_await file::open(directory, name.c_str(), directory_flags);
    if (!inner && inner.error().is(ENOENT)) continue;
    if (!inner) co_return false;  // a file, or what could be one
    const auto empty = co_await remove_empty_directories(inner->get());
    if (!empty || !*empty) co_return empty;
    const auto removed = co_await file::remove_directory(directory, name.c_str());
    if (!removed && !removed.error().is(ENOENT)) {
      if (removed.error().is(ENOTEMPTY) || removed.error().is(EEXIST)) co_return false;
      co_return std::unexpected(removed.error());
    }
  }
}

Task<Result<>> remove_contents(int directory) {
  const auto own = co_await file::open(directory, ".", directory_flags);
  if (!own) co_return std::unexpected(own.error());
  DirectoryReader reader(own->get());
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return Result<>{};
    const std::string name((*entry)->view());
    auto removed = co_await file::unlink(directory, name.c_str());
    if (!removed && removed.error().is(EISDIR)) {
      removed = co_await remove_tree(directory, name.c_str());
    }
    if (!removed && !removed.error().is(ENOENT)) co_return removed;
  }
}

Task<Result<>> remove_tree(int parent, const char* name) {
  const auto inner = co_await file::open(parent, name, directory_flags);
  if (!inner) co_return std::unexpected(inner.error());
  const auto cleared = co_await remove_contents(inner->get());
  if (!cleared) co_return cleared;
  co_return co_await file::remove_directory(parent, name);
}

}  // namespace millrace::s3::store
