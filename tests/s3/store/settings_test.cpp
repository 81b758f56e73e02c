// A bucket's settings: what is read is what was written or an error, never "not set" by mistake;
// they go with their bucket.
#include "s3/store/settings.h"

#include "s3/limits.h"
#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;
using st::Setting;

namespace {

// What a bucket of level 1 holds. This text must stay readable for good.
constexpr std::string_view level_1 = "millrace-setting 1 tagging 4 901d4d96753d9490\n<a/>";
constexpr const char* tagging_file = ".mr.sys/settings/tagging";

std::string text_of(const engine::Result<std::optional<std::string>>& read) {
  if (!read) return std::string("error: ") + engine::describe(read.error());
  return *read ? **read : "not set";
}

}  // namespace

TEST_CASE("a setting's file: one line, the content, and nothing else is taken") {
  const std::string whole = st::encode_setting(Setting::policy, "{\"x\": 1}\n");
  CHECK(st::decode_setting(Setting::policy, whole) == "{\"x\": 1}\n");
  const auto empty = st::encode_setting(Setting::cors, "");
  CHECK(st::decode_setting(Setting::cors, empty) == "");
  const auto other = st::decode_setting(Setting::cors, whole);
  CHECK((!other && other.error().code == engine::Errc::corrupt));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CHECK_FALSE(st::decode_setting(Setting::policy, std::string_view(whole).substr(0, cut)));
    std::string changed = whole;
    changed[cut] ^= 1;
    CHECK_FALSE(st::decode_setting(Setting::policy, changed));
  }
  CHECK_FALSE(st::decode_setting(Setting::policy, whole + " "));
  CHECK(st::decode_setting(Setting::tagging, level_1) == "<a/>");
  std::string later(level_1);
  later.replace(later.find(" 1 "), 3, " 2 ");
  const auto unknown = st::decode_setting(Setting::tagging, later);
  CHECK((!unknown && unknown.error().code == engine::Errc::unsupported));
}

TEST_CASE("settings are written whole, read, replaced and removed") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    const st::StoreOptions& options = site.options;
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::tagging)) == "not set");
    CHECK(co_await st::remove_setting(options, "bucket", Setting::tagging));
    CHECK_FALSE(site.exists(".mr.sys"));
    REQUIRE(co_await st::write_setting(options, "bucket", Setting::tagging, "<a/>"));
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::tagging)) == "<a/>");
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::policy)) == "not set");
    const std::string longest(s3::limits::setting_bytes_max, 'x');
    REQUIRE(co_await st::write_setting(options, "bucket", Setting::tagging, longest));
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::tagging)) == longest);
    const auto over =
        co_await st::write_setting(options, "bucket", Setting::tagging, longest + "x");
    CHECK((!over && over.error().code == engine::Errc::too_large));
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::tagging)) == longest);
    CHECK(co_await st::remove_setting(options, "bucket", Setting::tagging));
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::tagging)) == "not set");
    CHECK(site.nothing_aside());
    CHECK(site.entries(".mr.sys/settings") == 0);
  });
}

TEST_CASE("what is no document of ours is an error, never unset") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    const st::StoreOptions& options = site.options;
    REQUIRE(co_await st::write_setting(options, "bucket", Setting::tagging, "<a/>"));
    const auto is_corrupt = [&](const engine::Result<std::optional<std::string>>& read) {
      return !read && read.error().code == engine::Errc::corrupt;
    };
    for (const std::string& torn :
         {std::string(), std::string(level_1.substr(0, level_1.size() - 1)),
          std::string("<Tagging/>"), std::string(1 << 20, 'x')}) {
      site.write_file(tagging_file, torn);
      CHECK(is_corrupt(co_await st::read_setting(options, "bucket", Setting::tagging)));
    }
    const std::string path = site.path(tagging_file);
    std::filesystem::remove(path);
    REQUIRE(::symlink("policy", path.c_str()) == 0);
    CHECK(is_corrupt(co_await st::read_setting(options, "bucket", Setting::tagging)));
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK(is_corrupt(co_await st::read_setting(options, "bucket", Setting::tagging)));
    std::filesystem::remove_all(site.path(".mr.sys/settings"));
    site.write_file(".mr.sys/settings", "a file");
    CHECK(is_corrupt(co_await st::read_setting(options, "bucket", Setting::tagging)));
  });
}

TEST_CASE("a bucket takes its settings along, and one made again has none") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    const st::StoreOptions& options = site.options;
    REQUIRE(co_await st::write_setting(options, "bucket", Setting::policy, "{}"));
    REQUIRE(co_await st::delete_bucket(options, "bucket"));
    const auto gone = co_await st::read_setting(options, "bucket", Setting::policy);
    CHECK((!gone && gone.error().is(ENOENT)));
    const auto written = co_await st::write_setting(options, "bucket", Setting::policy, "{}");
    CHECK((!written && written.error().is(ENOENT)));
    const auto removed = co_await st::remove_setting(options, "bucket", Setting::policy);
    CHECK((!removed && removed.error().is(ENOENT)));
    REQUIRE(co_await st::create_bucket(options, "bucket", "me", {}));
    CHECK(text_of(co_await st::read_setting(options, "bucket", Setting::policy)) == "not set");
    // A file that has the bucket's name is no bucket.
    REQUIRE(co_await st::delete_bucket(options, "bucket"));
    std::filesystem::remove(site.directory.path() + "/bucket");
    const engine::Descriptor file(
        ::openat(site.directory.fd(), "bucket", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    const auto none = co_await st::read_setting(options, "bucket", Setting::policy);
    CHECK((!none && none.error().is(ENOENT)));
  });
}
