// Changes of tags and appends with every request of theirs failing in turn (fault_sweep.h): what
// was acknowledged stays, tags and content are never of two versions.
#include "tests/s3/store/fault_sweep.h"
#include "tests/s3/store/rewrite_driver.h"

#include <cstdlib>

using namespace millrace;
using namespace millrace::tests;
using engine::Result;

namespace {

const std::string old_content = "old content";
const std::string added = ", and more";
const std::string large(3000, 'v');
const std::string large_tags = "a=" + large + "b=" + large;

bool tagged = false;  // a change of tags was acknowledged beside the operation

Task<> prepare_small(Site&, st::Store& store) {
  CHECK(co_await put(store, "k", old_content, {.user = {{"name", "value"}}}));
  CHECK(co_await retag(store, "k", {{"t", "old"}}));
}

Task<> prepare_large(Site& site, st::Store& store) {
  co_await prepare_small(site, store);
  CHECK(co_await retag(store, "k", {{"a", large}, {"b", large}}));
}

Task<bool> tag_between(st::Store& store) {
  tagged = (co_await retag(store, "k", {{"t", "new"}})).has_value();
  co_return tagged;
}
Task<bool> tag_large_between(st::Store& store) {
  tagged = (co_await retag(store, "k", {{"a", large}, {"b", large}})).has_value();
  co_return tagged;
}

// The object is whole, and of one version: with user metadata, and these tags or those.
Task<> check_tags(Site& site, std::string content_now, bool done, std::string before,
                  std::string after) {
  const auto found = co_await get(site.options, "k");
  REQUIRE(found);
  CHECK((found->native && found->user == 1 && found->content == content_now));
  const std::string tags = co_await tags_of(site.options, "k");
  CHECK((tags == after || (!done && tags == before)));
}

// Beside what the object needs, what a request that failed could not take away.
void check_meta(const Site& site, std::size_t most) {
  CHECK(site.entries(".mr.sys/meta") <= most);
}

Task<> check_append(Site& site, bool done, std::string before, std::string after) {
  const auto found = co_await get(site.options, "k");
  REQUIRE(found);
  CHECK((found->native && found->user == 1));
  const bool appended = found->content == old_content + added;
  CHECK((appended || (!done && found->content == old_content)));
  const std::string tags = co_await tags_of(site.options, "k");
  CHECK((tags == after || (!tagged && tags == before)));
}

const Operation operations[] = {
    {"retag", &prepare_small,
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await retag(store, "k", {{"t", "new"}});
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_tags(site, old_content, done, "t=old", "t=new");
       check_meta(site, 0);
     }},
    {"take all tags away, where there is a sidecar", &prepare_large,
     [](Site&, st::Store& store) -> Task<Result<>> { co_return co_await retag(store, "k", {}); },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_tags(site, old_content, done, large_tags, "");
       check_meta(site, 1);
     }},
    {"retag, from one sidecar to the next", &prepare_large,
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await retag(store, "k", {{"c", large}, {"d", large}});
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_tags(site, old_content, done, large_tags, "c=" + large + "d=" + large);
       check_meta(site, 2);
     }},
    {"retag, with the attributes beside their files",
     [](Site& site, st::Store&) -> Task<> {
       site.options.abilities.attribute_bytes_max = 0;
       st::Store store(site.options, site.locks);
       co_await prepare_small(site, store);
     },
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await retag(store, "k", {{"t", "new"}});
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_tags(site, old_content, done, "t=old", "t=new");
       check_meta(site, 2);
     }},
    {"append", &prepare_small,
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await append(store, "k", added, old_content + added);
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       tagged = true;
       co_await check_append(site, done, "t=old", "t=old");
       check_meta(site, 0);
     }},
    {"append to an object with a sidecar", &prepare_large,
     [](Site&, st::Store& store) -> Task<Result<>> {
       co_return co_await append(store, "k", added, old_content + added);
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       tagged = true;
       co_await check_append(site, done, large_tags, large_tags);
       check_meta(site, 2);
     }},
    {"append, and other tags meanwhile", &prepare_small,
     [](Site&, st::Store& store) -> Task<Result<>> {
       tagged = false;
       co_return co_await append(store, "k", added, old_content + added, &tag_between);
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_append(site, done, "t=old", "t=new");
       check_meta(site, 0);
     }},
    {"append, and tags that need a sidecar meanwhile", &prepare_small,
     [](Site&, st::Store& store) -> Task<Result<>> {
       tagged = false;
       co_return co_await append(store, "k", added, old_content + added, &tag_large_between);
     },
     [](Site& site, st::Store&, bool done) -> Task<> {
       co_await check_append(site, done, "t=old", large_tags);
       check_meta(site, 2);
     }},
};

}  // namespace

TEST_CASE("tags and appends: a request that fails leaves one version or the next") {
  // The short form: a failure of the disk, and no room; MILLRACE_LONG=1 has the others, too.
  static constexpr int usual[] = {EIO, ENOSPC};
  const bool whole = std::getenv("MILLRACE_LONG") != nullptr;
  sweep_errnos(operations, whole ? std::span(all_errnums) : std::span<const int>(usual));
}

TEST_CASE("tags and appends: where staged files have names, and without the kernel's caches") {
  sweep_named_files(operations);
}

TEST_CASE("tags and appends: where the request has had its effect all the same") {
  sweep_lost_answers(operations);
}

TEST_CASE("a change of tags that finds no room for its sidecar leaves none") {
  Site site;
  run_on(fake::Plan::plain(), [&](engine::Shard&) -> Task<> {
    st::Store store(site.options, site.locks);
    co_await prepare_large(site, store);
  });
  CHECK(site.entries(".mr.sys/meta") == 1);
  fake::Plan plan = fake::Plan::plain();
  plan.counted = {};
  plan.counted[static_cast<std::size_t>(engine::Action::write)] = true;
  plan.fail_nth = 1;
  plan.fail_errnum = ENOSPC;
  run_on(plan, [&](engine::Shard&) -> Task<> {
    st::Store store(site.options, site.locks);
    const auto done = co_await retag(store, "k", {{"c", large}, {"d", large}});
    CHECK((!done && done.error().is(ENOSPC)));
    CHECK(co_await tags_of(site.options, "k") == large_tags);
  });
  CHECK(site.entries(".mr.sys/meta") == 1);
}
