// Changes of an object that go on from what it is: its tags, an append, a copy onto itself; with
// room for another request between the read and the publish.
#pragma once

#include "s3/store/object_copy.h"
#include "s3/store/rewrite.h"
#include "tests/s3/store/store_driver.h"

namespace millrace::tests {

struct Tags {
  explicit Tags(std::vector<st::Pair> pairs) : bytes(st::PackedPairs::packed_bytes(pairs)) {
    packed = *st::PackedPairs::pack(pairs, bytes);
  }
  std::vector<std::byte> bytes;
  st::PackedPairs packed;
};

inline Task<engine::Result<>> retag(st::Store& store, std::string key,
                                    std::vector<st::Pair> pairs) {
  const Tags tags(std::move(pairs));
  st::MappedPath path;
  map_key(key, path);
  co_return co_await store.set_tags("bucket", path, key, tags.packed);
}

inline Task<std::string> tags_of(const st::StoreOptions& options, std::string key) {
  st::MappedPath path;
  map_key(key, path);
  st::OpenObject object;
  const auto opened =
      co_await st::open_object(options, "bucket", path, key, st::Detail::full, object);
  if (!opened) co_return engine::describe(opened.error());
  std::string text;
  for (const auto pair : object.meta.tags) text.append(pair.name).append("=").append(pair.value);
  co_return text;
}

// What happens after the object was read and before what was made of it is published, which is
// given up where this fails.
using Between = Task<bool> (*)(st::Store& store);

// As the handler does it, but for the payload: `more` is added, and the object is then `whole`.
inline Task<engine::Result<>> append(st::Store& store, std::string key, std::string more,
                                     std::string whole, Between between = nullptr) {
  const st::StoreOptions& options = store.options();
  st::MappedPath path;
  map_key(key, path);
  st::OpenObject base;
  auto done = co_await st::open_object(options, "bucket", path, key, st::Detail::full, base);
  if (!done) co_return done;
  st::StagedFile staged;
  done = co_await st::stage(options, "bucket", staged);
  if (!done) co_return done;
  done =
      co_await st::copy_bytes(store, {base.file.get(), 0}, {staged.file.get(), 0}, base.file_size);
  if (done) done = co_await engine::file::write(staged.file.get(), bytes_of(more), base.file_size);
  if (done && between != nullptr && !co_await between(store)) {
    done = engine::fail(engine::Errc::cancelled);
  }
  if (done) {
    const Described described(whole, {});
    st::MetadataView meta = base.meta;
    meta.size = whole.size();
    meta.etag = described.meta.etag;
    done = co_await st::publish_rewrite(
        store,
        {.bucket = "bucket", .path = path, .key = key, .base = base, .owner = {}, .conditions = {}},
        staged, meta);
  }
  co_await st::discard(options, "bucket", staged);
  co_return done;
}

// Keeps or replaces the tags, and gives the object a new content type.
inline Task<engine::Result<>> copy_onto_itself(st::Store& store, std::string key,
                                               std::optional<std::vector<st::Pair>> pairs,
                                               Between between = nullptr) {
  st::MappedPath path;
  map_key(key, path);
  st::OpenObject source;
  const auto opened =
      co_await st::open_object(store.options(), "bucket", path, key, st::Detail::full, source);
  if (!opened) co_return opened;
  if (between != nullptr && !co_await between(store)) {
    co_return engine::fail(engine::Errc::cancelled);
  }
  st::MetadataView meta = source.meta;
  meta.content_type = "text/new";
  const Tags tags(pairs.value_or(std::vector<st::Pair>()));
  if (pairs) meta.tags = tags.packed;
  co_return co_await st::copy_object(store, source,
                                     st::plan_copy(source, s3::ChecksumAlgorithm::none),
                                     {.bucket = "bucket",
                                      .path = path,
                                      .key = key,
                                      .owner = {},
                                      .conditions = {},
                                      .asker = {},
                                      .onto_itself = true,
                                      .keeps_tags = !pairs},
                                     meta);
}

}  // namespace millrace::tests
