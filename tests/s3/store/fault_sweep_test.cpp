// Each operation of the store with its Nth request made to fail, for every N until it passes
// untouched: never a false success, never a lost or torn object, nothing leaked, nothing left but
// what is swept at the next start, and no sync tried again.
#include "tests/s3/store/fault_sweep.h"
#include "s3/store/object_copy.h"

#include <sys/xattr.h>

using namespace millrace;
using namespace millrace::tests;
using engine::Result;

namespace {

const std::string old_content = "old content";
const std::string new_content = "the new content";

Result<> as_done(const Result<st::Replaced>& replaced) {
  return replaced ? Result<>{} : std::unexpected(replaced.error());
}

PutOptions large(const std::string& memory) {
  return {.user = {{"large", memory}}, .parts = 1000};
}
const std::string large_value(2040, 'v');

// `key` holds the new content after a success, and after a failure that or what was there before.
Task<> check_one(Site& site, std::string key, bool done, std::string before) {
  const std::string now = co_await content(site.options, key);
  CHECK((now == new_content || (!done && now == before)));
}

// Of one object under another key; its tables are kept, or it is a file from outside and is read.
Task<Result<>> copy_to(st::Store& store, std::string from, std::string to) {
  st::MappedPath path;
  map_key(from, path);
  st::OpenObject source;
  auto done =
      co_await st::open_object(store.options(), "bucket", path, from, st::Detail::full, source);
  if (!done) co_return done;
  map_key(to, path);
  st::MetadataView meta = source.meta;
  co_return co_await st::copy_object(
      store, source, st::plan_copy(source, s3::ChecksumAlgorithm::none),
      {.bucket = "bucket", .path = path, .key = to, .owner = {}, .conditions = {}, .asker = {}},
      meta);
}

const Operation operations[] = {
    {"copy over an object, with a sidecar",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "a", new_content, large(large_value)));
       CHECK(co_await put(store, "k", old_content));
     },
     [](Site&, st::Store& store) -> Task<Result<>> { co_return co_await copy_to(store, "a", "k"); },
     [](Site& site, st::Store&, bool done) -> Task<> {
       CHECK(co_await content(site.options, "a") == new_content);
       co_await check_one(site, "k", done, old_content);
       const auto found = co_await get(site.options, "k");
       if (done) CHECK((found && found->user == 1 && found->parts == 1000));
     }},
    {"copy a file from outside",
     [](Site& site, st::Store&) -> Task<> {
       site.write_file("a", new_content);
       co_return;
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await copy_to(store, "a", "d/e");
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       CHECK(co_await content(site.options, "a") == new_content);
       co_await check_one(site, "d/e", done, absent);
     }},
    {"put a new key", [](Site&, st::Store&) -> Task<> { co_return; },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await put(store, "d/e", new_content));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_one(site, "d/e", done, absent);
     }},
    {"put a new key with a sidecar", [](Site&, st::Store&) -> Task<> { co_return; },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await put(store, "k", new_content, large(large_value)));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_one(site, "k", done, absent);
       const auto found = co_await get(site.options, "k");
       if (found) CHECK((found->user == 1 && found->parts == 1000));
     }},
    {"overwrite, both with sidecars",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "k", old_content, large(large_value)));
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await put(store, "k", new_content, large(large_value)));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_one(site, "k", done, old_content);
       const auto found = co_await get(site.options, "k");
       CHECK((found && found->user == 1 && found->parts == 1000));
     }},
    {"put below an object",
     [](Site&, st::Store& store) -> Task<> { CHECK(co_await put(store, "a", old_content)); },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await put(store, "a/b", new_content));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       CHECK(co_await content(site.options, "a") == old_content);
       co_await check_one(site, "a/b", done, absent);
     }},
    {"put at a directory's name",
     [](Site&, st::Store& store) -> Task<> { CHECK(co_await put(store, "a/b", old_content)); },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await put(store, "a", new_content));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       CHECK(co_await content(site.options, "a/b") == old_content);
       co_await check_one(site, "a", done, absent);
     }},
    {"put only if absent, and it is not",
     [](Site&, st::Store& store) -> Task<> { CHECK(co_await put(store, "k", old_content)); },
     [](Site&, st::Store& store) -> Task<Result<>> {
       const auto refused =
           co_await put(store, "k", new_content, {.conditions = {.must_not_exist = true}});
       CHECK(!refused);
       co_return refused.error().is(EEXIST) ? Result<>{} : std::unexpected(refused.error());
     },
     [](Site& site, st::Store&, bool) -> Task<> {
       CHECK(co_await content(site.options, "k") == old_content);
     }},
    {"remove",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "d/e", new_content, large(large_value)));
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await remove(store, "d/e"));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       const std::string now = co_await content(site.options, "d/e");
       CHECK((now == absent || (!done && now == new_content)));
     }},
    {"remove a directory's object",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "a", new_content));
       CHECK(co_await put(store, "a/b", old_content));
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return as_done(co_await remove(store, "a"));
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       CHECK(co_await content(site.options, "a/b") == old_content);
       const std::string now = co_await content(site.options, "a");
       CHECK((now == absent || (!done && now == new_content)));
     }},
    {"put only over what was seen, and it is another",
     [](Site&, st::Store& store) -> Task<> { CHECK(co_await put(store, "a", old_content)); },
     [](Site&, st::Store& store) -> Task<Result<>> {
       const auto refused =
           co_await put(store, "a", new_content, {.conditions = {.if_match = "x"}});
       CHECK(!refused);
       co_return refused.error().is(st::errno_condition_failed) ? Result<>{}
                                                                : std::unexpected(refused.error());
     },
     [](Site& site, st::Store&, bool) -> Task<> {
       CHECK(co_await content(site.options, "a") == old_content);
     }},
    {"rename over another, both with sidecars",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "a", new_content, large(large_value)));
       CHECK(co_await put(store, "d/e", old_content, large(large_value)));
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await rename(store, "a", "d/e", {.token = "t"});
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       const std::string source = co_await content(site.options, "a");
       const std::string target = co_await content(site.options, "d/e");
       const bool moved = source == absent && target == new_content;
       CHECK((moved || (!done && source == new_content && target == old_content)));
       const auto found = co_await get(site.options, "d/e");
       CHECK((found && found->user == 1 && found->parts == 1000));
     }},
    {"rename a directory's object below itself",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "a", new_content));
       CHECK(co_await put(store, "a/z", old_content));
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await rename(store, "a", "a/b");
     },
     [](Site& site, st::Store& store, bool done) -> Task<> {
       const std::string source = co_await content(site.options, "a");
       const std::string target = co_await content(site.options, "a/b");
       const bool moved = source == absent && target == new_content;
       CHECK((moved || (!done && source == new_content && target == absent)));
       CHECK(co_await content(site.options, "a/z") == old_content);
       CHECK(co_await put(store, "a/z", old_content));
     }},
    {"get with a sidecar",
     [](Site&, st::Store& store) -> Task<> {
       CHECK(co_await put(store, "a", new_content, large(large_value)));
       CHECK(co_await put(store, "a/b", old_content));
     },
     [](Site& site, st::Store&) -> Task<Result<>> {
       const auto found = co_await get(site.options, "a");
       if (!found) {
         CHECK(!found.error().is(ENOENT));  // an object that exists is never denied
         co_return std::unexpected(found.error());
       }
       CHECK((found->content == new_content && found->user == 1 && found->native));
       co_return Result<>{};
     },
     [](Site&, st::Store&, bool) -> Task<> { co_return; }},
    {"create a bucket", [](Site&, st::Store&) -> Task<> { co_return; },
     [](Site& site, st::Store&) -> Task<Result<>> {
       co_return co_await st::create_bucket(site.options, "second", "me", {.uid = ::geteuid()});
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       const auto there = co_await st::bucket_exists(site.options, "second");
       CHECK((there && (*there || !done)));
       const auto again = co_await st::create_bucket(site.options, "second", "me", {});
       CHECK(again.has_value() == !*there);
     }},
    {"delete a bucket",
     [](Site& site, st::Store& store) -> Task<> {
       CHECK(co_await st::create_bucket(site.options, "second", "me", {}));
       std::filesystem::create_directories(site.directory.path() + "/second/.mr.sys/uploads/u");
       std::filesystem::create_directories(site.directory.path() + "/second/empty/one");
       std::ignore = store;
     },
     [](Site& site, st::Store&) -> Task<Result<>> {
       co_return co_await st::delete_bucket(site.options, "second");
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       const auto there = co_await st::bucket_exists(site.options, "second");
       CHECK((there && (!*there || !done)));
       if (*there) CHECK(co_await st::delete_bucket(site.options, "second"));
     }},
};

}  // namespace

TEST_CASE("an operation whose Nth request fails is whole or not at all") {
  sweep_errnos(operations);
}

TEST_CASE("the same where staged files have names, and without the kernel's caches") {
  sweep_named_files(operations);
}

TEST_CASE("the same where the request has had its effect all the same") {
  sweep_lost_answers(operations);
}
