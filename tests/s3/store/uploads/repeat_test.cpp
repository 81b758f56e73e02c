// A Complete that published and died before it told anybody, and is repeated: it knows the object
// for its own, whatever was done to that since, and publishes nothing a second time.
#include "s3/store/uploads/completer.h"
#include "tests/s3/store/rewrite_driver.h"
#include "tests/s3/store/uploads/upload_driver.h"

#include <doctest/doctest.h>

namespace millrace::tests {
namespace {

const std::string large(3000, 'v');
const std::vector<PartContent> one_size{{.number = 1}, {.number = 2, .size = 70'000}};
// A gap in the numbers: there is no assembly that could be the object.
const std::vector<PartContent> with_gap{{.number = 1}, {.number = 3, .size = 70'000}};

Task<> publish_and_die(st::Store& store, const st::UploadId& id, std::vector<PartContent> parts) {
  const PartListing list(parts);
  st::MappedPath path;
  map_key("k", path);
  st::CompleteRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.id = id.view();
  request.parts = list.listed;
  auto upload = co_await st::uploads::open_upload(store.options(), "bucket", "k", id.view());
  REQUIRE(upload);
  st::uploads::Completer completer(store, path, request, *upload);
  REQUIRE(co_await completer.run());
}

Task<st::UploadId> upload_parts(st::Store& store, std::vector<PartContent> parts) {
  const auto id = co_await begin_upload(store, "k");
  for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
  co_return id;
}

std::size_t sidecars(const Bucket& bucket) {
  if (!bucket.exists(".mr.sys/meta")) return 0;
  const std::filesystem::directory_iterator all(bucket.path(".mr.sys/meta"));
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("a repeated Complete leaves the tags that its object got meanwhile") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const auto& parts : {one_size, with_gap}) {
      for (const bool beside : {false, true}) {
        // Conditions that its own object does not meet.
        for (const st::WriteConditions conditions :
             {st::WriteConditions{}, st::WriteConditions{.must_not_exist = true},
              st::WriteConditions{.if_match = "another"}}) {
          CAPTURE(parts.back().number);
          CAPTURE(beside);
          Bucket bucket;
          if (beside) bucket.options.abilities.attribute_bytes_max = 0;
          st::Store store(bucket.options, bucket.locks);
          const auto id = co_await upload_parts(store, parts);
          co_await publish_and_die(store, id, parts);
          const auto inode = bucket.status("k").st_ino;
          const std::size_t kept = sidecars(bucket);
          REQUIRE(co_await retag(store, "k", {{"a", large}, {"b", large}}));
          REQUIRE(co_await retag(store, "k", {{"t", "new"}}));
          st::CompleteRequest request;
          request.conditions = conditions;
          const auto done = co_await complete(store, id, "k", parts, request);
          REQUIRE(done);
          CHECK(co_await tags_of(bucket.options, "k") == "t=new");
          CHECK(bucket.status("k").st_ino == inode);
          CHECK(bucket.status("k").st_nlink == 1);
          co_await check_object(store, "k", parts);
          CHECK(bucket.leftovers() == 0);
          CHECK(bucket.nothing_staged());
          CHECK(sidecars(bucket) == kept);
        }
      }
    }
  });
}

TEST_CASE("a repeated Complete takes no other object for its own") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const auto& parts : {one_size, with_gap}) {
      Bucket bucket;
      st::Store store(bucket.options, bucket.locks);
      const auto id = co_await upload_parts(store, parts);
      co_await publish_and_die(store, id, parts);
      REQUIRE(co_await put(store, "k", "newer"));
      st::CompleteRequest request;
      request.conditions.must_not_exist = true;
      const auto refused = co_await complete(store, id, "k", parts, request);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().failure == UploadFailure::exists);
      CHECK(co_await content(bucket.options, "k") == "newer");
      // Nor the object of another list of parts.
      REQUIRE(co_await complete(store, id, "k", {parts[0]}));
      co_await check_object(store, "k", {parts[0]});
    }
  });
}

TEST_CASE("an object that was renamed before its Complete was repeated stays as it is") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const auto& parts : {one_size, with_gap}) {
      Bucket bucket;
      st::Store store(bucket.options, bucket.locks);
      const auto id = co_await upload_parts(store, parts);
      co_await publish_and_die(store, id, parts);
      const auto inode = bucket.status("k").st_ino;
      REQUIRE(co_await retag(store, "k", {{"t", "new"}}));
      REQUIRE(co_await rename(store, "k", "d/moved"));
      REQUIRE(co_await complete(store, id, "k", parts));
      CHECK(co_await tags_of(bucket.options, "d/moved") == "t=new");
      CHECK(co_await tags_of(bucket.options, "k") == "");
      CHECK(bucket.status("d/moved").st_ino == inode);
      CHECK(bucket.status("k").st_ino != inode);
      co_await check_object(store, "k", parts);
      co_await check_object(store, "d/moved", parts);
    }
  });
}

}  // namespace millrace::tests
