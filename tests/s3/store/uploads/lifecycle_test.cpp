// Uploads besides their completion: abort and its races, what a dead process leaves at each
// point, what requests with wrong names are told, lists of parts and of uploads.
#include "tests/s3/store/uploads/upload_driver.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace millrace::tests {
namespace {

namespace fs = std::filesystem;

TEST_CASE("an aborted upload is gone, and so is what was still being written") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    co_await put_part(store, id, "k", {.number = 1});
    co_await put_part(store, id, "k", {.number = 1, .salt = 1});
    st::PartWriter in_slot(store);
    st::PartWriter on_its_own(store);
    CHECK(co_await in_slot.begin("bucket", "k", id.view(), 2, part_bytes));
    CHECK(co_await on_its_own.begin("bucket", "k", id.view(), 2, part_bytes));
    co_await write_content(in_slot, {.number = 2});
    CHECK(co_await st::abort_upload(store, "bucket", "k", id.view()));
    CHECK(bucket.leftovers() == 0);
    co_await write_content(on_its_own, {.number = 2});
    for (st::PartWriter* writer : {&in_slot, &on_its_own}) {
      const auto finished = co_await finish(*writer, {.number = 2});
      REQUIRE_FALSE(finished);
      CAPTURE(finished.error().error.sys);
      CHECK(finished.error().failure == UploadFailure::no_such_upload);
      co_await writer->abandon();
    }
    CHECK(bucket.leftovers() == 0);
    const auto again = co_await st::abort_upload(store, "bucket", "k", id.view());
    REQUIRE_FALSE(again);
    CHECK(again.error().failure == UploadFailure::no_such_upload);
  });
}

TEST_CASE("abort beside parts and Complete: nothing is left, and the object is whole or absent") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const std::vector<PartContent> parts{{.number = 1}, {.number = 2, .size = 3}};
    for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
    const auto send = [&](std::uint32_t number) -> Task<> {
      st::PartWriter writer(store);
      const PartContent part{.number = number};
      if (!co_await writer.begin("bucket", "k", id.view(), number, part.size)) co_return;
      co_await write_content(writer, part);
      const auto finished = co_await finish(writer, part);
      if (!finished) CHECK(finished.error().failure == UploadFailure::no_such_upload);
      co_await writer.abandon();
    };
    bool completed = false;
    const auto finish_upload = [&]() -> Task<> {
      const auto done = co_await complete(store, id, "k", parts);
      completed = done.has_value();
      if (!done) CHECK(done.error().failure == UploadFailure::no_such_upload);
    };
    const auto abort = [&]() -> Task<> {
      std::ignore = co_await st::abort_upload(store, "bucket", "k", id.view());
    };
    engine::TaskGroup group;
    group.adopt(send(3));
    group.adopt(finish_upload());
    group.adopt(abort());
    group.adopt(send(4));
    co_await group.join();
    CHECK(bucket.leftovers() == 0);
    // An abort that came second may have taken Complete's answer, never a part of the object.
    if (completed || bucket.exists("k")) co_await check_object(store, "k", parts);
  });
}

// Hard links of everything but the assembly, which a second name would make a published one.
std::string keep(const Bucket& bucket, const st::UploadId& id) {
  const std::string kept = bucket.directory.path() + "/kept";
  fs::copy(bucket.upload_path(id), kept,
           fs::copy_options::recursive | fs::copy_options::create_hard_links);
  fs::remove(kept + "/assembly." + std::to_string(part_bytes));
  return kept;
}

// After a Complete that came to its end: as if it had not removed the upload.
void put_back(const Bucket& bucket, const st::UploadId& id, const std::string& kept) {
  fs::rename(kept, bucket.upload_path(id));
  fs::create_hard_link(bucket.path("k"),
                       bucket.upload_path(id) + "/assembly." + std::to_string(part_bytes));
}

// What an upload's directory looks like when a process died in Complete, made by hand.
enum class Died { closed, sealed, published, replaced, remembered };

TEST_CASE("a Complete that died anywhere is recovered by repeating it") {
  for (const Died died :
       {Died::closed, Died::sealed, Died::published, Died::replaced, Died::remembered}) {
    CAPTURE(static_cast<int>(died));
    on_shard([died](engine::Shard&) -> Task<> {
      Bucket bucket;
      st::Store store(bucket.options, bucket.locks);
      const auto id = co_await begin_upload(store, "k");
      // Enough parts for a sidecar.
      std::vector<PartContent> parts;
      for (std::uint32_t n = 1; n <= 200; ++n) parts.push_back({.number = n});
      for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
      const auto inode = bucket
                             .status(".mr.sys/uploads/" + std::string(id.view()) + "/assembly." +
                                     std::to_string(part_bytes))
                             .st_ino;
      if (died == Died::closed) {
        fs::rename(bucket.upload_path(id) + "/open", bucket.upload_path(id) + "/closed");
      } else {
        const std::string kept = keep(bucket, id);
        CHECK(co_await complete(store, id, "k", parts));
        put_back(bucket, id, kept);
        fs::rename(bucket.upload_path(id) + "/open", bucket.upload_path(id) + "/closed");
        const std::string memory = bucket.path(".mr.sys/uploads/c-") + std::string(id.view());
        if (died != Died::remembered) fs::remove(memory);
        if (died == Died::sealed) fs::remove(bucket.path("k"));
        if (died == Died::replaced) {
          const auto other = co_await begin_upload(store, "k");
          co_await put_part(store, other, "k", {.number = 1, .size = 1});
          CHECK(co_await complete(store, other, "k", {{.number = 1, .size = 1}}));
        }
      }
      const auto done = co_await complete(store, id, "k", parts);
      REQUIRE(done);
      CHECK_FALSE(done->copied);
      CHECK(done->repeated == (died == Died::remembered));
      CHECK(bucket.status("k").st_ino == inode);
      CHECK(bucket.status("k").st_nlink == 1);
      CHECK(bucket.leftovers() == 0);
      co_await check_object(store, "k", parts);
      const auto sidecars = std::distance(fs::directory_iterator(bucket.path(".mr.sys/meta")), {});
      CHECK(sidecars == 1);
      CHECK(bucket.nothing_staged());
    });
  }
}

TEST_CASE("an abort after a Complete that died leaves the object or nothing of it") {
  for (const bool published : {true, false}) {
    on_shard([published](engine::Shard&) -> Task<> {
      Bucket bucket;
      st::Store store(bucket.options, bucket.locks);
      const auto id = co_await begin_upload(store, "k");
      std::vector<PartContent> parts;
      for (std::uint32_t n = 1; n <= 200; ++n) parts.push_back({.number = n});
      for (const PartContent& part : parts) co_await put_part(store, id, "k", part);
      const std::string kept = keep(bucket, id);
      CHECK(co_await complete(store, id, "k", parts));
      put_back(bucket, id, kept);
      if (!published) {
        fs::remove(bucket.path("k"));
        fs::remove(bucket.path(".mr.sys/uploads/c-") + std::string(id.view()));
      }
      const auto aborted = co_await st::abort_upload(store, "bucket", "k", id.view());
      CHECK(aborted.has_value() != published);  // the memory of the Complete is told
      if (published) CHECK(aborted.error().failure == st::UploadFailure::no_such_upload);
      CHECK(bucket.leftovers() == 0);
      if (published) co_await check_object(store, "k", parts);
      CHECK(fs::is_empty(bucket.path(".mr.sys/meta")) != published);
    });
  }
}

TEST_CASE("once an upload is closed, parts go to files of their own and still count") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    co_await put_part(store, id, "k", {.number = 1});
    fs::rename(bucket.upload_path(id) + "/open", bucket.upload_path(id) + "/closed");
    st::PartWriter writer(store);
    CHECK(co_await writer.begin("bucket", "k", id.view(), 2, part_bytes));
    CHECK_FALSE(writer.in_assembly());
    co_await write_content(writer, {.number = 2});
    CHECK(co_await finish(writer, {.number = 2}));
    const auto done = co_await complete(store, id, "k", {{.number = 1}, {.number = 2}});
    REQUIRE(done);
    CHECK(done->copied);
    co_await check_object(store, "k", {{.number = 1}, {.number = 2}});
  });
}

TEST_CASE("requests that name no upload are told so, whatever they name") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    const st::UploadId unknown = st::UploadId::make(1);
    const std::string upper = "A" + std::string(id.view().substr(1));
    for (const std::string_view wrong : {std::string_view(), std::string_view("../bucket"),
                                         unknown.view(), std::string_view(upper)}) {
      CAPTURE(wrong);
      st::PartWriter writer(store);
      const auto begun = co_await writer.begin("bucket", "k", wrong, 1, 1);
      REQUIRE_FALSE(begun);
      CHECK(begun.error().failure == UploadFailure::no_such_upload);
      const auto listed = co_await st::list_parts(store, "bucket", "k", wrong, 0, 10);
      REQUIRE_FALSE(listed);
      CHECK(listed.error().failure == UploadFailure::no_such_upload);
    }
    st::PartWriter writer(store);
    const auto other_key = co_await writer.begin("bucket", "l", id.view(), 1, 1);
    REQUIRE_FALSE(other_key);
    CHECK(other_key.error().failure == UploadFailure::no_such_upload);
    const auto no_bucket = co_await st::list_parts(store, "absent", "k", id.view(), 0, 10);
    REQUIRE_FALSE(no_bucket);
    CHECK(no_bucket.error().failure == UploadFailure::no_such_bucket);
    for (const std::uint32_t number : {0U, 10'001U}) {
      const auto begun = co_await writer.begin("bucket", "k", id.view(), number, 1);
      REQUIRE_FALSE(begun);
      CHECK(begun.error().failure == UploadFailure::invalid_request);
    }
    const auto large = co_await writer.begin("bucket", "k", id.view(), 1, (5ULL << 30) + 1);
    REQUIRE_FALSE(large);
    CHECK(large.error().failure == UploadFailure::entity_too_large);
  });
}

TEST_CASE("digests must fit the upload and the part, and writes stay inside it") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k", {.algorithm = st::StoredChecksum::crc32});
    st::PartWriter writer(store);
    const PartContent part{.number = 1, .size = 100};
    CHECK(co_await writer.begin("bucket", "k", id.view(), 1, 100));
    CHECK(writer.algorithm() == s3::ChecksumAlgorithm::crc32);
    CHECK_FALSE(co_await writer.write(bytes_of("xy"), 99));
    co_await write_content(writer, part);
    const auto none = co_await finish(writer, part);
    REQUIRE_FALSE(none);
    CHECK(none.error().failure == UploadFailure::invalid_request);
    const s3::ChecksumValue crc{.algorithm = s3::ChecksumAlgorithm::crc32};
    const auto shorter = co_await finish(writer, {.number = 1, .size = 99}, crc);
    REQUIRE_FALSE(shorter);
    CHECK(co_await finish(writer, part, crc));
    for (const auto bad : {st::StoredChecksum::sha256, st::StoredChecksum::md5}) {
      st::MetadataView object;
      object.checksum.algorithm = bad;
      const auto refused =
          co_await st::create_upload(store, "bucket", {.key = "k", .object = &object});
      REQUIRE_FALSE(refused);
      CHECK(refused.error().failure == UploadFailure::invalid_request);
    }
  });
}

TEST_CASE("parts are listed in order, the newest of each, in pages") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    for (const std::uint32_t number : {10U, 2U, 1U, 9'999U}) {
      co_await put_part(store, id, "k", {.number = number, .size = number});
    }
    co_await put_part(store, id, "k", {.number = 2, .size = 77});
    const auto all = co_await st::list_parts(store, "bucket", "k", id.view(), 0, 4);
    REQUIRE(all);
    REQUIRE(all->parts.size() == 4);
    CHECK_FALSE(all->truncated);
    CHECK(all->upload.initiator == "me");
    CHECK(all->parts[0].number == 1);
    CHECK(all->parts[1].size == 77);
    CHECK(all->parts[1].md5 == PartContent{.number = 2, .size = 77}.md5());
    CHECK(all->parts[3].number == 9'999);
    CHECK(all->parts[3].modified_ms > 0);
    const auto page = co_await st::list_parts(store, "bucket", "k", id.view(), 1, 2);
    REQUIRE(page);
    REQUIRE(page->parts.size() == 2);
    CHECK(page->truncated);
    CHECK(page->parts[1].number == 10);
    const auto empty = co_await st::list_parts(store, "bucket", "k", id.view(), 0, 0);
    REQUIRE(empty);
    CHECK_FALSE(empty->truncated);
  });
}

TEST_CASE("uploads are listed by key and then by time, in pages, with common prefixes") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    for (const char* key : {"b", "a/2", "a/1", "c/x/y", "b", "a", "c"}) {
      std::ignore = co_await begin_upload(store, key);
    }
    const auto walk = [&](st::UploadListRequest request) -> Task<std::string> {
      std::string text;
      std::string key;
      std::string id;
      for (;;) {
        request.key_marker = key;
        request.id_marker = id;
        const auto page = co_await st::list_uploads(store, "bucket", request);
        REQUIRE(page);
        std::vector<std::string> names = page->common_prefixes;
        for (const auto& upload : page->uploads) names.push_back(upload.key);
        std::ranges::sort(names);
        for (const std::string& name : names) text += name + ' ';
        if (!page->truncated) co_return text;
        CHECK(names.size() == request.max);
        text += "| ";
        key = page->next_key_marker;
        id = page->next_id_marker;
      }
    };
    CHECK(co_await walk({}) == "a a/1 a/2 b b c c/x/y ");
    CHECK(co_await walk({.delimiter = "/"}) == "a a/ b b c c/ ");
    CHECK(co_await walk({.prefix = "c/", .delimiter = "/"}) == "c/x/ ");
    CHECK(co_await walk({.prefix = "a/"}) == "a/1 a/2 ");
    CHECK(co_await walk({.max = 2}) == "a a/1 | a/2 b | b c | c/x/y ");
    CHECK(co_await walk({.delimiter = "/", .max = 1}) == "a | a/ | b | b | c | c/ ");
    const auto from_key = co_await st::list_uploads(store, "bucket", {.key_marker = "b"});
    REQUIRE(from_key);
    CHECK(from_key->uploads.size() == 2);
  });
}

TEST_CASE("the broom takes what dead processes left and nothing else") {
  on_shard([](engine::Shard&) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    co_await put_part(store, id, "k", {.number = 1});
    const std::string above = bucket.path(".mr.sys/uploads/");
    fs::create_directories(above + std::string(st::UploadId::make(5).view()) + "/open");
    fs::copy(bucket.upload_path(id), above + "x-" + std::string(id.view()),
             fs::copy_options::recursive);
    fs::create_directory(above + "somebody's");
    CHECK(co_await st::sweep_uploads(store, "bucket", {.leftover_seconds = 3600}) == 0);
    CHECK(co_await st::sweep_uploads(store, "bucket", {}) == 2);
    CHECK(bucket.leftovers() == 2);
    CHECK(co_await complete(store, id, "k", {{.number = 1}}));
  });
}

TEST_CASE("uploads that nobody ends are removed at their age, where one is set") {
  on_shard([](engine::Shard& shard) -> Task<> {
    Bucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const auto young = co_await begin_upload(store, "young");
    const auto made = co_await begin_upload(store, "old");
    co_await put_part(store, made, "old", {.number = 1});
    CHECK(young.created_ms() <= shard.wall_ns() / 1'000'000);
    CHECK(young.created_ms() / 1000 + 60 >= shard.wall_seconds());
    // Its id has the time of its creation.
    const auto old = st::UploadId::make(made.created_ms() - 3'600'000);
    fs::rename(bucket.upload_path(made), bucket.upload_path(old));
    const auto sweep = [&](st::UploadAges ages) -> Task<std::size_t> {
      ages.leftover_seconds = 3600;
      co_return (co_await st::sweep_uploads(store, "bucket", ages)).value();
    };
    CHECK(co_await sweep({}) == 0);
    CHECK(co_await sweep({.upload_seconds = 3700}) == 0);
    CHECK(co_await sweep({.upload_seconds = 3600}) == 1);
    const auto gone = co_await complete(store, old, "old", {{.number = 1}});
    REQUIRE_FALSE(gone);
    CHECK(gone.error().failure == UploadFailure::no_such_upload);
    CHECK(bucket.leftovers() == 1);
    co_await put_part(store, young, "young", {.number = 1});
    CHECK(co_await complete(store, young, "young", {{.number = 1}}));
  });
}

}  // namespace
}  // namespace millrace::tests
