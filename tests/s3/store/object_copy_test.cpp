// Copies within the store: what is kept and what is read anew, by each way that bytes can go; and
// that nothing is published of a source that changed, or for an asker that has gone.
#include "s3/store/object_copy.h"

#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

// Over one step of a read, and of odd length.
std::string long_content() {
  std::string content(700'001, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 999);
  return content;
}

struct Copied {
  engine::Result<> done;
  st::MetadataView meta;
  std::string etag;
};

Task<> open_whole(st::Store& store, std::string key, st::OpenObject& source) {
  st::MappedPath path;
  map_key(key, path);
  REQUIRE(co_await st::open_object(store.options(), "bucket", path, key, st::Detail::full, source));
}

Task<Copied> copy(st::Store& store, const st::OpenObject& source, std::string to,
                  s3::ChecksumAlgorithm wanted = s3::ChecksumAlgorithm::none,
                  st::Asker asker = {}) {
  st::MappedPath path;
  map_key(to, path);
  const st::CopyTarget target{
      .bucket = "bucket", .path = path, .key = to, .owner = {}, .conditions = {}, .asker = asker};
  Copied copied;
  copied.meta = source.meta;
  copied.done =
      co_await st::copy_object(store, source, st::plan_copy(source, wanted), target, copied.meta);
  std::array<char, st::etag_text_bytes_max> text;
  copied.etag = st::write_etag(copied.meta.etag, text);
  co_return copied;
}

std::string md5_of(std::string_view content) {
  s3::Md5 md5;
  md5.update(content);
  const auto hex = s3::hex_of(md5.finish());
  return {hex.data(), hex.size()};
}

// The ways that bytes go, the best one first.
void limit_ways(Site& site, int way) {
  if (way >= 1) site.options.abilities.reflink = {ENOTSUP};
  if (way >= 2) site.options.abilities.copy_file_range = {ENOTSUP};
}

}  // namespace

TEST_CASE("a copy keeps ETag, tables and user metadata, by whatever way its bytes go") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const int way : {0, 1, 2}) {
      Site site;
      limit_ways(site, way);
      st::Store store(site.options, site.locks);
      REQUIRE(
          co_await put(store, "from", long_content(), {.user = {{"colour", "blue"}}, .parts = 3}));
      st::OpenObject source;
      co_await open_whole(store, "from", source);
      const auto copied = co_await copy(store, source, "a/copy");
      REQUIRE(copied.done);
      const auto found = co_await get(site.options, "a/copy");
      REQUIRE(found);
      CHECK(found->content == long_content());
      CHECK((found->etag == source.etag() && found->etag.ends_with("-3")));
      CHECK((found->user == 1 && found->parts == 3 && found->native));
      CHECK(site.status("from").st_ino != site.status("a/copy").st_ino);
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("a file from outside is read, and its copy has its MD5") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const int way : {0, 1, 2}) {
      Site site;
      limit_ways(site, way);
      st::Store store(site.options, site.locks);
      site.write_file("file.txt", long_content());
      st::OpenObject source;
      co_await open_whole(store, "file.txt", source);
      CHECK_FALSE(source.native);
      const auto copied = co_await copy(store, source, "copy");
      REQUIRE(copied.done);
      CHECK(copied.meta.checksum.algorithm == st::StoredChecksum::crc64nvme);
      const auto found = co_await get(site.options, "copy");
      REQUIRE(found);
      CHECK((found->content == long_content() && found->etag == md5_of(long_content())));
      CHECK((found->native && found->content_type == "text/plain"));
    }
  });
}

TEST_CASE("a new checksum is computed, and a source that is not its MD5 is not copied") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    // The driver's ETags are no MD5s: as if the content had rotted.
    REQUIRE(co_await put(store, "from", "content"));
    st::OpenObject source;
    co_await open_whole(store, "from", source);
    auto copied = co_await copy(store, source, "copy", s3::ChecksumAlgorithm::crc32);
    REQUIRE_FALSE(copied.done);
    CHECK(copied.done.error().code == engine::Errc::corrupt);
    CHECK(co_await content(site.options, "copy") == absent);
    s3::Md5 md5;
    md5.update("content");
    source.meta.etag.md5 = md5.finish();
    copied = co_await copy(store, source, "copy", s3::ChecksumAlgorithm::crc32);
    CHECK(copied.done);
    CHECK(copied.etag == md5_of("content"));
    CHECK(copied.meta.checksum.algorithm == st::StoredChecksum::crc32);
    CHECK(copied.meta.checksum.type == st::StoredChecksumType::full_object);
  });
}

TEST_CASE("a source that was written to meanwhile is not copied, one that lost its name is") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "from", "before"));
    st::OpenObject source;
    co_await open_whole(store, "from", source);
    REQUIRE(co_await put(store, "from", "a new object"));
    const auto kept = co_await copy(store, source, "copy");
    CHECK(kept.done);
    CHECK(co_await content(site.options, "copy") == "before");

    st::OpenObject changed;
    co_await open_whole(store, "from", changed);
    site.write_file("from", "a new OBJECT");  // as long, in place
    const auto refused = co_await copy(store, changed, "copy");
    REQUIRE_FALSE(refused.done);
    CHECK(refused.done.error().is(ESTALE));
    CHECK(co_await content(site.options, "copy") == "before");
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("a copy whose asker has gone is given up between steps") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const int way : {1, 2}) {
      Site site;
      limit_ways(site, way);
      st::Store store(site.options, site.locks);
      REQUIRE(co_await put(store, "from", long_content()));
      st::OpenObject source;
      co_await open_whole(store, "from", source);
      const auto given_up = co_await copy(store, source, "copy", s3::ChecksumAlgorithm::none,
                                          {.has_gone = [](void*) { return true; }});
      REQUIRE_FALSE(given_up.done);
      CHECK(given_up.done.error().code == engine::Errc::cancelled);
      CHECK(co_await content(site.options, "copy") == absent);
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("many copies at a time are all whole, and a copy obeys conditions") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    limit_ways(site, 1);
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "from", long_content()));
    st::OpenObject source;
    co_await open_whole(store, "from", source);
    engine::TaskGroup group;
    const auto one = [&](int number) -> Task<> {
      const auto copied = co_await copy(store, source, "copy-" + std::to_string(number));
      CHECK(copied.done);
    };
    for (int number = 0; number < 8; ++number) group.adopt(one(number));
    co_await group.join();
    for (int number = 0; number < 8; ++number) {
      CHECK(co_await content(site.options, "copy-" + std::to_string(number)) == long_content());
    }
    st::MappedPath path;
    map_key("copy-1", path);
    st::MetadataView meta = source.meta;
    const auto refused = co_await st::copy_object(store, source, {},
                                                  {.bucket = "bucket",
                                                   .path = path,
                                                   .key = "copy-1",
                                                   .owner = {},
                                                   .conditions = {.must_not_exist = true},
                                                   .asker = {}},
                                                  meta);
    CHECK((!refused && refused.error().is(EEXIST)));
  });
}

TEST_CASE("block digests and checksums are those of a PutObject") {
  on_shard([](engine::Shard&) -> Task<> {
    s3::Md5Queue queue;
    const std::string content = long_content();
    st::ContentDigest whole(s3::ChecksumAlgorithm::crc32c);
    co_await whole.update(bytes_of(content), queue);
    whole.finish();
    st::ContentDigest pieces(s3::ChecksumAlgorithm::crc32c);
    for (std::size_t at = 0; at < content.size(); at += 9'999) {
      co_await pieces.update(bytes_of(std::string_view(content).substr(at, 9'999)), queue);
    }
    pieces.finish();
    CHECK((whole.md5() == pieces.md5() && whole.checksum() == pieces.checksum()));
    REQUIRE((whole.blocks().size() == 1 && pieces.blocks().size() == 1));
    CHECK(whole.blocks()[0] == pieces.blocks()[0]);
    const std::vector<std::byte> block(st::block_bytes);
    st::ContentDigest exact(s3::ChecksumAlgorithm::none);
    co_await exact.update(block, queue);
    co_await exact.update(block, queue);
    exact.finish();
    REQUIRE(exact.blocks().size() == 2);
    CHECK(exact.blocks()[0] == exact.blocks()[1]);
  });
}
