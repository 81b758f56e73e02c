// See attribute.h.
#include "s3/store/attribute.h"

#include "engine/shard.h"
#include "s3/store/sidecar.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <array>

namespace millrace::s3::store {

using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

bool kept_in_file(const StoreOptions& options) {
  return options.abilities.attribute_bytes_max > 0;
}

struct BesideName {
  std::array<char, 48> text{};
  BesideName(std::uint64_t inode, std::int64_t mtime_ns) {
    fmt::format_to_n(text.data(), text.size() - 1, "a-{}-{}", inode, mtime_ns);
  }
  const char* c_str() const { return text.data(); }
};

Task<Result<std::size_t>> read_beside(const StoreOptions& options, std::string_view bucket,
                                      AttributePlace place, std::span<std::byte> into) {
  const auto absent = [](Error error) {
    return std::unexpected(error.is(ENOENT) ? Error::from_errno(ESTALE) : error);
  };
  const auto directory = co_await open_meta(options, bucket);
  if (!directory) co_return absent(directory.error());
  const BesideName name(place.inode, place.mtime_ns);
  const auto opened = co_await file::open(directory->get(), name.c_str(), O_RDONLY | O_NOFOLLOW);
  if (!opened) co_return absent(opened.error());
  struct statx status{};
  const auto known = co_await file::stat(opened->get(), "", status);
  if (!known) co_return std::unexpected(known.error());
  if (status.stx_size > into.size()) co_return engine::fail_errno(ERANGE);
  co_return co_await file::read(opened->get(), into.first(status.stx_size), 0);
}

}  // namespace

Task<Result<std::size_t>> read_attribute(const StoreOptions& options, std::string_view bucket,
                                         AttributePlace place, bool cached,
                                         std::span<std::byte> into) {
  if (!kept_in_file(options)) co_return co_await read_beside(options, bucket, place, into);
  if (!cached) co_return co_await file::get_attribute(place.fd, metadata_attribute_name, into);
  const auto got =
      engine::Shard::current().ring().get_attribute_open(place.fd, metadata_attribute_name, into);
  if (got < 0) co_return std::unexpected(Error::from_result(static_cast<int>(got)));
  co_return static_cast<std::size_t>(got);
}

Task<Result<>> write_attribute(const StoreOptions& options, std::string_view bucket,
                               AttributePlace place, std::span<const std::byte> bytes) {
  if (kept_in_file(options)) {
    co_return co_await file::set_attribute(place.fd, metadata_attribute_name, bytes);
  }
  const BesideName name(place.inode, place.mtime_ns);
  co_return co_await write_meta(options, bucket, name.c_str(), bytes);
}

Task<void> remove_attribute(const StoreOptions& options, std::string_view bucket,
                            std::uint64_t inode, std::int64_t mtime_ns) {
  if (kept_in_file(options)) co_return;
  const auto directory = co_await open_meta(options, bucket);
  if (!directory) co_return;
  const BesideName name(inode, mtime_ns);
  std::ignore = co_await file::unlink(directory->get(), name.c_str());
}

std::optional<GoneMeta> meta_of(const OpenObject& object) {
  if (!object.native || object.links > 1) return std::nullopt;
  return GoneMeta{.id = object.meta.id,
                  .inode = object.inode,
                  .mtime_ns = object.mtime_ns,
                  .sidecar = object.meta.sidecar.present};
}

Task<void> remove_meta(const StoreOptions& options, std::string_view bucket, GoneMeta gone) {
  if (gone.sidecar) co_await remove_sidecar(options, bucket, gone.id, gone.inode);
  co_await remove_attribute(options, bucket, gone.inode, gone.mtime_ns);
}

}  // namespace millrace::s3::store
