// A bucket in a directory of its own and short ways to write parts into it. Parts are mostly
// holes: only their first and last bytes are written, which is where a wrong place shows.
#pragma once

#include "s3/store/read.h"
#include "s3/store/uploads/part.h"
#include "tests/engine/shard_driver.h"

#include <sys/stat.h>

#include <filesystem>

namespace millrace::tests {

namespace st = s3::store;
using engine::Task;
using st::UploadFailure;

inline constexpr std::uint64_t part_bytes = st::upload_part_bytes_min;
inline constexpr std::size_t mark_bytes = 64;

struct PartContent {
  std::uint32_t number = 0;
  std::uint64_t size = part_bytes;
  std::uint64_t salt = 0;  // another attempt, another content

  std::string head() const { return pattern(std::min<std::uint64_t>(size, mark_bytes), key(1)); }
  // What is behind the head.
  std::string tail() const {
    return pattern(std::min<std::uint64_t>(size - head().size(), mark_bytes), key(2));
  }
  // Of number and content, and so good enough for an ETag in these tests.
  s3::Md5::Digest md5() const {
    s3::Md5 md5;
    md5.update(std::to_string(key(3)) + "/" + std::to_string(size));
    return md5.finish();
  }
  std::string etag() const {
    const auto hex = s3::hex_of(md5());
    return {hex.data(), hex.size()};
  }
  std::vector<std::uint64_t> blocks() const {
    std::vector<std::uint64_t> all((size + st::block_bytes - 1) / st::block_bytes);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = key(4) + i;
    return all;
  }

 private:
  std::uint64_t key(std::uint64_t what) const { return number * 1000 + salt * 10 + what; }
};

// Of the filesystem that all temporary directories are on; probed once, since it takes a while.
inline const st::Abilities& abilities_of(int fd) {
  static const auto probed = st::probe_abilities(fd, "probe");
  REQUIRE(probed);
  return *probed;
}

struct Bucket {
  explicit Bucket(st::Durability durability = st::Durability::strict) {
    REQUIRE(::mkdirat(directory.fd(), "bucket", 0755) == 0);
    options.data_fd = directory.fd();
    options.durability = durability;
    options.abilities = abilities_of(directory.fd());
  }
  std::string path(std::string_view below) const {
    return directory.path() + "/bucket/" + std::string(below);
  }
  std::string upload_path(const st::UploadId& id) const {
    return path(".mr.sys/uploads/" + std::string(id.view()));
  }
  // Names in uploads/, but for the memory of completed uploads.
  std::size_t leftovers() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path(".mr.sys/uploads"))) {
      if (!entry.path().filename().string().starts_with("c-")) ++count;
    }
    return count;
  }
  bool nothing_staged() const {
    return !exists(".mr.sys/staging") || std::filesystem::is_empty(path(".mr.sys/staging"));
  }
  struct stat status(std::string_view below) const {
    struct stat status{};
    REQUIRE(::stat(path(below).c_str(), &status) == 0);
    return status;
  }
  bool exists(std::string_view below) const { return std::filesystem::exists(path(below)); }

  TemporaryDirectory directory;
  st::StoreOptions options;
  st::KeyLocks locks;
};

// An upload of `key`, without checksums unless told.
inline Task<st::UploadId> begin_upload(st::Store& store, std::string_view key,
                                       st::ObjectChecksum checksum = {}) {
  st::MetadataView object;
  object.content_type = "video/mp4";
  object.checksum = checksum;
  const st::NewUpload upload{.key = key, .initiator = "me", .owner = "us", .object = &object};
  const auto id = co_await st::create_upload(store, "bucket", upload);
  REQUIRE(id);
  co_return *id;
}

inline Task<> write_content(st::PartWriter& writer, const PartContent& part) {
  const std::string head = part.head();
  const std::string tail = part.tail();
  CHECK(co_await writer.write(bytes_of(tail), part.size - tail.size()));
  CHECK(co_await writer.write(bytes_of(head), 0));
}

inline Task<st::UploadResult<>> finish(st::PartWriter& writer, const PartContent& part,
                                       s3::ChecksumValue checksum = {}) {
  const auto blocks = part.blocks();
  co_return co_await writer.finish(
      {.size = part.size, .md5 = part.md5(), .checksum = checksum, .blocks = blocks});
}

inline Task<> put_part(st::Store& store, const st::UploadId& id, std::string_view key,
                       PartContent part, bool size_known = true) {
  st::PartWriter writer(store);
  const auto size = size_known ? std::optional(part.size) : std::nullopt;
  const auto begun = co_await writer.begin("bucket", key, id.view(), part.number, size);
  REQUIRE(begun);
  co_await write_content(writer, part);
  const auto finished = co_await finish(writer, part);
  CHECK(finished);
}

struct PartListing {
  explicit PartListing(std::span<const PartContent> parts) {
    for (const PartContent& part : parts) etags.push_back(part.etag());
    for (std::size_t i = 0; i < parts.size(); ++i)
      listed.push_back({parts[i].number, etags[i], {}});
  }
  std::vector<std::string> etags;
  std::vector<st::ListedPart> listed;
};

inline Task<st::UploadResult<st::Completed>> complete(st::Store& store, const st::UploadId& id,
                                                      std::string_view key,
                                                      std::vector<PartContent> parts,
                                                      st::CompleteRequest request = {}) {
  const PartListing list(parts);
  st::MappedPath path;
  st::map(*st::Key::from_decoded(key), path);
  request.bucket = "bucket";
  request.key = key;
  request.id = id.view();
  request.parts = list.listed;
  co_return co_await st::complete_upload(store, path, request);
}

// The object is exactly these parts, by its bytes and by what it says of itself.
inline Task<> check_object(const st::Store& store, std::string_view key,
                           std::vector<PartContent> parts) {
  st::MappedPath path;
  st::map(*st::Key::from_decoded(key), path);
  st::OpenObject object;
  const auto opened =
      co_await st::open_object(store.options(), "bucket", path, key, st::Detail::full, object);
  REQUIRE(opened);
  CHECK(object.native);
  CHECK(object.meta.content_type == "video/mp4");
  REQUIRE(object.meta.parts.size() == parts.size());
  s3::Md5 md5;
  std::uint64_t offset = 0;
  std::size_t block = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const PartContent& part = parts[i];
    const s3::Md5::Digest digest = part.md5();
    md5.update(std::as_bytes(std::span(digest)));
    CHECK(object.meta.parts.at(i).number == part.number);
    CHECK(object.meta.parts.at(i).size == part.size);
    std::string got(part.head().size(), '\0');
    CHECK(::pread(object.file.get(), got.data(), got.size(), static_cast<off_t>(offset)) >= 0);
    CHECK(got == part.head());
    offset += part.size;
    got.resize(part.tail().size());
    CHECK(::pread(object.file.get(), got.data(), got.size(),
                  static_cast<off_t>(offset - got.size())) >= 0);
    CHECK(got == part.tail());
    for (const std::uint64_t each : part.blocks()) CHECK(object.meta.blocks.at(block++) == each);
  }
  CHECK(block == object.meta.blocks.size());
  CHECK(object.file_size == offset);
  CHECK(object.meta.etag.kind == st::EtagKind::md5_of_parts);
  CHECK(object.meta.etag.md5 == md5.finish());
  CHECK(object.meta.etag.parts == parts.size());
}

}  // namespace millrace::tests
