// Buckets: made, found, listed, removed; by hand, by several at once, and swept at start.
#include "s3/store/settings.h"
#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

std::string names(const engine::Result<std::vector<st::BucketInfo>>& buckets) {
  if (!buckets) return "error";
  std::string text;
  for (const auto& bucket : *buckets) text += bucket.name + " ";
  return text;
}

}  // namespace

TEST_CASE("buckets are made once, listed by name and removed when empty") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    const st::StoreOptions& options = site.options;
    REQUIRE(co_await st::create_bucket(options, "second", "me", {}));
    REQUIRE(co_await st::create_bucket(options, "another", "me", {}));
    const auto again = co_await st::create_bucket(options, "second", "me", {});
    CHECK((!again && again.error().is(EEXIST)));
    CHECK(std::filesystem::file_size(site.directory.path() + "/second/.mr.sys/bucket") > 20);
    // By hand, or none: a file, a name that is none, a link.
    std::filesystem::create_directory(site.directory.path() + "/by-hand");
    std::filesystem::create_directory(site.directory.path() + "/Not.Valid_");
    const engine::Descriptor file(
        ::openat(site.directory.fd(), "a-file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    REQUIRE(::symlink("second", (site.directory.path() + "/a-link").c_str()) == 0);
    CHECK(names(co_await st::list_buckets(options)) == "another bucket by-hand second ");
    for (const char* none : {"a-file", "a-link"}) {
      CHECK(co_await st::bucket_exists(options, none) == false);
      const auto made = co_await st::create_bucket(options, none, "me", {});
      CHECK((!made && made.error().is(ENOTDIR)));
      const auto gone = co_await st::delete_bucket(options, none);
      CHECK((!gone && gone.error().is(ENOENT)));
    }
    CHECK(co_await st::bucket_exists(options, "by-hand") == true);
    CHECK(co_await st::delete_bucket(options, "by-hand"));
    CHECK(co_await st::delete_bucket(options, "second"));
    const auto gone = co_await st::delete_bucket(options, "second");
    CHECK((!gone && gone.error().is(ENOENT)));
    CHECK(names(co_await st::list_buckets(options)) == "another bucket ");
    CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
  });
}

TEST_CASE("a bucket with an object stays; empty directories and uploads are no objects") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "x/y", "object"));
    std::filesystem::create_directories(site.path("empty/deep/er"));
    std::filesystem::create_directories(site.path(".mr.sys/uploads/one"));
    const auto refused = co_await st::delete_bucket(site.options, "bucket");
    CHECK((!refused && refused.error().is(ENOTEMPTY)));
    CHECK(site.exists(".mr.sys/uploads/one"));
    CHECK(co_await content(site.options, "x/y") == "object");
    REQUIRE(co_await remove(store, "x/y"));
    // A file from outside is an object.
    site.write_file("alien", "x");
    const auto alien = co_await st::delete_bucket(site.options, "bucket");
    CHECK((!alien && alien.error().is(ENOTEMPTY)));
    std::filesystem::remove(site.path("alien"));
    std::filesystem::create_directories(site.path("empty/deep/er"));
    CHECK(co_await st::delete_bucket(site.options, "bucket"));
    CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
    // Its name is free again, and nothing of the old one is in the new.
    REQUIRE(co_await st::create_bucket(site.options, "bucket", "me", {}));
    CHECK(site.tree().empty());
    CHECK(!site.exists(".mr.sys/uploads"));
  });
}

TEST_CASE("several make and remove one bucket: whoever succeeds is right") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    engine::TaskGroup group;
    const auto work = [&]() -> Task<> {
      for (unsigned i = 0; i < 5; ++i) {
        const auto made = co_await st::create_bucket(site.options, "shared", "me", {});
        CHECK((made || made.error().is(EEXIST)));
        const auto gone = co_await st::delete_bucket(site.options, "shared");
        CHECK((gone || gone.error().is(ENOENT) || gone.error().is(ENOTEMPTY)));
      }
    };
    for (unsigned number = 0; number < 4; ++number) group.adopt(work());
    co_await group.join();
    std::ignore = co_await st::delete_bucket(site.options, "shared");
    CHECK(co_await st::bucket_exists(site.options, "shared") == false);
    CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
  });
}

TEST_CASE("a bucket is not removed under an object that is acknowledged, nor its sidecars lost") {
  on_shard([](engine::Shard&) -> Task<> {
    for (unsigned round = 0; round < 6; ++round) {
      Site site;
      st::Store store(site.options, site.locks);
      const std::string memory(2040, 'v');
      const PutOptions large{.user = {{"large", memory}}, .parts = 1000};
      engine::TaskGroup group;
      bool removed = false;
      std::vector<std::string> written;
      const auto write = [&](std::string key) -> Task<> {
        co_await engine::sleep_for(round % 3);
        const auto made = co_await put(store, key, "content", large);
        if (made) written.push_back(key);
        if (!made) CHECK(made.error().is(ENOENT));
      };
      const auto drop = [&]() -> Task<> {
        const auto gone = co_await st::delete_bucket(site.options, "bucket");
        removed = gone.has_value();
        if (!gone) CHECK(gone.error().is(ENOTEMPTY));
      };
      for (const char* key : {"a", "b/c", "b/d"}) group.adopt(write(key));
      group.adopt(drop());
      co_await group.join();
      if (removed) CHECK(written.empty());
      for (const std::string& key : written) {
        const auto found = co_await get(site.options, key);
        REQUIRE(found);
        CHECK((found->user == 1 && found->parts == 1000));
      }
      CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
    }
  });
}

TEST_CASE("a setting that is written while the removal of its bucket fails is the one that stays") {
  on_shard([](engine::Shard&) -> Task<> {
    for (unsigned round = 0; round < 200; ++round) {
      Site site(st::Durability::none);
      st::Store store(site.options, site.locks);
      using st::Setting;
      REQUIRE(co_await st::write_setting(site.options, "bucket", Setting::tagging, "old"));
      REQUIRE(co_await put(store, "k", "content"));
      engine::TaskGroup group;
      bool written = false;
      bool removed = false;
      // The bucket seems empty, and is not any more when it is to go.
      const auto refill = [&]() -> Task<> {
        CHECK(co_await remove(store, "k"));
        std::ignore = co_await put(store, "k", "content");
      };
      const auto write = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
          written = (co_await st::write_setting(site.options, "bucket", Setting::tagging, "new"))
                        .has_value();
        }
      };
      const auto drop = [&]() -> Task<> {
        for (int i = 0; i < 3 && !removed; ++i) {
          removed = (co_await st::delete_bucket(site.options, "bucket")).has_value();
        }
      };
      group.adopt(refill());
      group.adopt(drop());
      group.adopt(write());
      co_await group.join();
      if (removed || !written) continue;
      const auto now = co_await st::read_setting(site.options, "bucket", Setting::tagging);
      REQUIRE(now);
      CHECK(now->value_or("none") == "new");
      CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
    }
  });
}

TEST_CASE("what an earlier process left is swept, what this one stages is not") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    std::filesystem::create_directories(site.path(".mr.sys/staging/d-old"));
    site.write_file(".mr.sys/staging/d-old/.mr.f", "x");
    site.write_file(".mr.sys/staging/old", "x");
    std::filesystem::create_directories(site.directory.path() + "/.millrace/trash-old/uploads/u");
    std::filesystem::create_directories(site.directory.path() + "/.millrace/config");
    const auto now_ns = [] {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
             static_cast<std::uint64_t>(now.tv_nsec);
    };
    // Not older than the process, by the clock's ticks.
    REQUIRE(co_await st::sweep_staging(site.options, now_ns()));
    CHECK(site.entries(".mr.sys/staging") == 2);
    const std::uint64_t later_ns = now_ns() + 1'000'000'000;
    REQUIRE(co_await st::sweep_staging(site.options, later_ns));
    CHECK(site.entries(".mr.sys/staging") == 0);
    CHECK(!std::filesystem::exists(site.directory.path() + "/.millrace/trash-old"));
    CHECK(std::filesystem::exists(site.directory.path() + "/.millrace/config"));
  });
}
