// Completing uploads: what becomes of parts in every order and size, that the assembly file
// itself becomes the object where it can, and that nobody alters it afterwards.
#include "tests/s3/store/uploads/upload_driver.h"

#include <doctest/doctest.h>

#include <optional>

namespace millrace::tests {
namespace {

TEST_CASE("parts of one size, in any order: the assembly file becomes the object") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "a/big");
    const std::vector<PartContent> parts{{.number = 1}, {.number = 2}, {.number = 3, .size = 7}};
    for (const std::size_t i : {1, 0, 2}) co_await put_part(store, id, "a/big", parts[i]);
    CHECK_FALSE(bucket.exists("a"));
    struct stat assembly{};
    const std::string name = bucket.upload_path(id) + "/assembly." + std::to_string(part_bytes);
    REQUIRE(::stat(name.c_str(), &assembly) == 0);

    const auto done = co_await complete(store, id, "a/big", parts);
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    CHECK(done->size == 2 * part_bytes + 7);
    CHECK(bucket.status("a/big").st_ino == assembly.st_ino);
    CHECK(bucket.status("a/big").st_nlink == 1);
    CHECK(bucket.leftovers() == 0);
    co_await check_object(store, "a/big", parts);
  });
}

TEST_CASE("a last part that came first moves to its slot instead of all the others") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const std::vector<PartContent> parts{{.number = 1}, {.number = 2}, {.number = 3, .size = 999}};
    for (const std::size_t i : {2, 1, 0}) co_await put_part(store, id, "k", parts[i]);
    const auto done = co_await complete(store, id, "k", parts);
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", parts);
  });
}

TEST_CASE("parts that are written side by side share one file") {
  on_shard([](engine::Shard& shard) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    std::vector<PartContent> parts;
    for (std::uint32_t n = 1; n <= 10; ++n) parts.push_back({.number = n});
    parts.back().size = 100'000;
    engine::TaskGroup group;
    for (const PartContent& part : parts) group.adopt(put_part(store, id, "k", part));
    co_await group.join();
    const auto done = co_await complete(store, id, "k", parts);
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", parts);
    CHECK(shard.tasks().running() == 0);
  });
}

TEST_CASE("a resent part counts, and the parts are copied together") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const PartContent first{.number = 1};
    const PartContent second{.number = 1, .salt = 1};
    const PartContent third{.number = 1, .salt = 2};
    const PartContent last{.number = 2, .size = 5};
    for (const auto& part : {first, second, last, third}) co_await put_part(store, id, "k", part);
    for (const PartContent& old : {first, second}) {
      const auto refused = co_await complete(store, id, "k", {old, last});
      REQUIRE_FALSE(refused);
      CHECK(refused.error().failure == UploadFailure::invalid_part);
      CHECK(refused.error().part == 1);
    }
    const auto done = co_await complete(store, id, "k", {third, last});
    REQUIRE(done);
    CHECK(done->copied);
    co_await check_object(store, "k", {third, last});
    CHECK(bucket.leftovers() == 0);
  });
}

TEST_CASE("the same part twice at once: whoever finishes last counts, neither spoils the other") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const PartContent one{.number = 1, .salt = 1};
    const PartContent two{.number = 1, .salt = 2};
    st::PartWriter first(store);
    st::PartWriter second(store);
    CHECK(co_await first.begin("bucket", "k", id.view(), 1, part_bytes));
    CHECK(co_await second.begin("bucket", "k", id.view(), 1, part_bytes));
    CHECK(first.in_assembly());
    CHECK_FALSE(second.in_assembly());
    co_await write_content(second, two);
    CHECK(co_await finish(second, two));
    co_await write_content(first, one);
    CHECK(co_await finish(first, one));
    const auto done = co_await complete(store, id, "k", {one});
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", {one});
  });
}

TEST_CASE("sizes that differ, numbers with gaps, unknown sizes and empty parts are copied") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const std::vector<PartContent> parts{{.number = 2},
                                         {.number = 3, .size = part_bytes + 4097},
                                         {.number = 7, .size = part_bytes + 11},
                                         {.number = 10'000, .size = 0}};
    co_await put_part(store, id, "k", {.number = 5});
    co_await put_part(store, id, "k", parts[0]);
    co_await put_part(store, id, "k", parts[1], false);
    co_await put_part(store, id, "k", parts[2]);
    co_await put_part(store, id, "k", parts[3]);
    const auto done = co_await complete(store, id, "k", parts);
    REQUIRE(done);
    CHECK(done->copied);
    co_await check_object(store, "k", parts);
    CHECK(bucket.leftovers() == 0);
  });
}

TEST_CASE("a stalled writer forces a copy and can write on without harm") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    for (const std::uint32_t stalled : {2U, 3U}) {
      const auto id = co_await begin_upload(store, "k");
      const PartContent late{.number = stalled, .salt = 9};
      const std::vector<PartContent> parts{{.number = 1, .salt = stalled}, {.number = 2}};
      st::PartWriter writer(store);
      CHECK(co_await writer.begin("bucket", "k", id.view(), stalled, part_bytes));
      CHECK(writer.in_assembly());
      for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
      const auto done = co_await complete(store, id, "k", parts);
      REQUIRE(done);
      CHECK(done->copied);
      co_await write_content(writer, late);
      co_await check_object(store, "k", parts);
      const auto finished = co_await finish(writer, late);
      REQUIRE_FALSE(finished);
      CAPTURE(finished.error().error.sys);
      CHECK(finished.error().failure == UploadFailure::no_such_upload);
      co_await writer.abandon();
      co_await check_object(store, "k", parts);
      CHECK(bucket.leftovers() == 0);
    }
  });
}

TEST_CASE("an abandoned slot is free for the next attempt") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const PartContent cut_off{.number = 1, .salt = 5};
    const PartContent whole{.number = 1};
    {
      st::PartWriter writer(store);
      CHECK(co_await writer.begin("bucket", "k", id.view(), 1, part_bytes));
      co_await write_content(writer, cut_off);
      co_await writer.abandon();
    }
    co_await put_part(store, id, "k", whole);
    const auto done = co_await complete(store, id, "k", {whole});
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", {whole});
  });
}

TEST_CASE("an abandoned slot behind the last part leaves bytes that are not published") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    co_await put_part(store, id, "k", {.number = 1});
    {
      st::PartWriter writer(store);
      CHECK(co_await writer.begin("bucket", "k", id.view(), 2, part_bytes));
      co_await write_content(writer, {.number = 2});
      co_await writer.abandon();
    }
    const auto done = co_await complete(store, id, "k", {{.number = 1}});
    REQUIRE(done);
    CHECK(done->copied);
    CHECK(done->size == part_bytes);
    co_await check_object(store, "k", {{.number = 1}});
  });
}

TEST_CASE("what Complete refuses changes nothing") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const PartContent small{.number = 1, .size = part_bytes - 1};
    const PartContent last{.number = 2, .size = 3};
    for (const PartContent& part : {small, last}) co_await put_part(store, id, "k", part);
    const auto failure = [&](std::vector<PartContent> parts, st::CompleteRequest request = {},
                             std::string_view key = "k") -> Task<UploadFailure> {
      const auto done = co_await complete(store, id, key, std::move(parts), request);
      REQUIRE_FALSE(done);
      co_return done.error().failure;
    };
    CHECK(co_await failure({small, last}) == UploadFailure::entity_too_small);
    CHECK(co_await failure({small, {.number = 2, .size = 4}}) == UploadFailure::invalid_part);
    CHECK(co_await failure({small, {.number = 3, .size = 3}}) == UploadFailure::invalid_part);
    CHECK(co_await failure({}) == UploadFailure::invalid_request);
    CHECK(co_await failure({last}, {.object_bytes = 4}) == UploadFailure::object_size);
    CHECK(co_await failure({last}, {}, "other") == UploadFailure::no_such_upload);
    const s3::ChecksumValue crc{.algorithm = s3::ChecksumAlgorithm::crc32};
    CHECK(co_await failure({last}, {.checksum = {.value = crc}}) ==
          UploadFailure::checksum_algorithm);
    CHECK(co_await failure({last}, {.checksum = {.type = st::StoredChecksumType::composite}}) ==
          UploadFailure::checksum_type);
    CHECK(std::filesystem::exists(bucket.upload_path(id) + "/open/token"));
    // And the upload is as good as before.
    const auto done = co_await complete(store, id, "k", {last}, {.object_bytes = 3});
    REQUIRE(done);
    co_await check_object(store, "k", {last});
  });
}

TEST_CASE("If-None-Match: the key's object stays, and so does the upload") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const PartContent old{.number = 1, .size = 1};
    const PartContent fresh{.number = 1, .size = 2};
    const auto before = co_await begin_upload(store, "k");
    co_await put_part(store, before, "k", old);
    CHECK(co_await complete(store, before, "k", {old}));
    const auto id = co_await begin_upload(store, "k");
    co_await put_part(store, id, "k", fresh);
    const auto refused =
        co_await complete(store, id, "k", {fresh}, {.conditions = {.must_not_exist = true}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().failure == UploadFailure::exists);
    co_await check_object(store, "k", {old});
    const auto done = co_await complete(store, id, "k", {fresh});
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", {fresh});
  });
}

TEST_CASE("Complete twice gives the same answer; another list none") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const std::vector<PartContent> parts{{.number = 1}, {.number = 2, .size = 2}};
    for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
    const auto first = co_await complete(store, id, "k", parts);
    const auto second = co_await complete(store, id, "k", parts);
    REQUIRE(first);
    REQUIRE(second);
    CHECK_FALSE(first->repeated);
    CHECK(second->repeated);
    CHECK(second->etag.md5 == first->etag.md5);
    CHECK(second->size == first->size);
    for (const bool other_key : {false, true}) {
      const auto refused = other_key ? co_await complete(store, id, "l", parts)
                                     : co_await complete(store, id, "k", {parts[0]});
      REQUIRE_FALSE(refused);
      CHECK(refused.error().failure == UploadFailure::no_such_upload);
    }
    st::PartWriter writer(store);
    const auto begun = co_await writer.begin("bucket", "k", id.view(), 3, 1);
    REQUIRE_FALSE(begun);
    CHECK(begun.error().failure == UploadFailure::no_such_upload);
    CHECK(co_await st::sweep_uploads(store, "bucket", {}) == 1);
    const auto forgotten = co_await complete(store, id, "k", parts);
    REQUIRE_FALSE(forgotten);
  });
}

TEST_CASE("several Completes at once, with and without locks, end as one") {
  for (const bool locks : {true, false}) {
    for (const bool copied : {true, false}) {
      CAPTURE(locks);
      CAPTURE(copied);
      on_shard([locks, copied](engine::Shard&) -> Task<> {
        Bucket bucket;
        if (!locks) bucket.options.abilities.ofd_lock = {};
        st::Store store(bucket.options, bucket.locks);
        const auto id = co_await begin_upload(store, "k");
        const std::vector<PartContent> parts{{.number = 1}, {.number = 2, .size = 2}};
        for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
        if (copied) co_await put_part(store, id, "k", parts[1]);
        int succeeded = 0;
        const auto once = [&]() -> Task<> {
          if (co_await complete(store, id, "k", parts)) ++succeeded;
        };
        engine::TaskGroup group;
        for (int i = 0; i < 4; ++i) group.adopt(once());
        co_await group.join();
        CHECK(succeeded == 4);
        co_await check_object(store, "k", parts);
        CHECK(bucket.leftovers() == 0);
        CHECK(bucket.nothing_staged());
      });
    }
  }
}

TEST_CASE("parts are read from the assembly until Complete has copied them") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    std::vector<PartContent> parts;
    for (std::uint32_t n = 1; n <= 6; ++n) parts.push_back({.number = n});
    for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
    parts.erase(parts.begin() + 2);
    const auto done = co_await complete(store, id, "k", parts);
    REQUIRE(done);
    CHECK(done->copied);
    co_await check_object(store, "k", parts);
  });
}

TEST_CASE("every durability, without nameless files, where a directory's sync does nothing") {
  for (const auto durability :
       {st::Durability::strict, st::Durability::data, st::Durability::none}) {
    on_shard([durability](engine::Shard&) -> Task<> {
      Bucket bucket(durability);
      bucket.options.abilities.tmpfile_link = {};
      bucket.options.abilities.directory_sync = st::DirectorySync::ignored;
      bucket.options.abilities.reflink = {};
      bucket.options.abilities.copy_file_range = {};
      st::Store store(bucket.options, bucket.locks);
      const auto id = co_await begin_upload(store, "k");
      const std::vector<PartContent> parts{{.number = 1}, {.number = 2, .size = 70'000}};
      co_await put_part(store, id, "k", {.number = 2, .size = 70'000, .salt = 1});
      for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
      const auto done = co_await complete(store, id, "k", parts);
      REQUIRE(done);
      co_await check_object(store, "k", parts);
      CHECK(bucket.leftovers() == 0);
      CHECK(bucket.nothing_staged());
    });
  }
}

}  // namespace
}  // namespace millrace::tests
