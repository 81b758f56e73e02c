// Each operation of the store with its Nth request made to fail, for every N until it passes
// untouched: never a false success, never a lost or torn object, nothing leaked, nothing left but
// what is swept at the next start, and no sync tried again.
#include "s3/store/object_copy.h"
#include "tests/fake/ring_fake.h"
#include "tests/s3/store/store_driver.h"

#include <sys/xattr.h>

#include <set>

using namespace millrace;
using namespace millrace::tests;
using engine::Action;
using engine::Result;

namespace {

const std::string old_content = "old content";
const std::string new_content = "the new content";

struct Operation {
  const char* name;
  Task<> (*prepare)(Site& site, st::Store& store);
  Task<Result<>> (*act)(Site& site, st::Store& store);
  // With nothing failing any more: whether the state is one that the outcome permits.
  Task<> (*check)(Site& site, st::Store& store, bool done);
};

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

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

template <class Body>
void run_on(fake::Plan plan, Body body, std::vector<fake::LogEntry>* log = nullptr,
            bool* injected = nullptr) {
  plan.receive_buffers = 4;  // there are no sockets here, and each ring clears its buffers
  const fake::Scenario scenario(std::move(plan));
  TestShard test;
  const Task<> task = body(*test.shard);
  test.shard->run_until(task);
  CHECK(test.shard->body_buffers().in_use() == 0);
  CHECK(test.shard->request_blocks().in_use() == 0);
  if (log != nullptr) *log = scenario.log();
  if (injected != nullptr) *injected = scenario.counted() >= scenario.plan.fail_nth;
}

// A failed sync fails the request, marks the filesystem suspect (unless it only found no room) and
// is not tried again. To a directory's sync belongs the stat that follows it: where that fails,
// nothing is known of it.
void check_syncs(const Site& site, const std::vector<fake::LogEntry>& log, bool done) {
  std::set<std::uint64_t> failed;  // inodes
  std::uint64_t just_synced = 0;
  bool faulty = false;
  for (const auto& entry : log) {
    if (entry.action == Action::fsync) CHECK(!failed.contains(entry.inode));
    const bool sync = entry.action == Action::fsync ||
                      (entry.action == Action::stat && entry.inode == just_synced);
    if (sync && entry.result < 0) failed.insert(entry.inode);
    if (sync && entry.result < 0) faulty |= entry.result != -ENOSPC && entry.result != -EDQUOT;
    just_synced = entry.action == Action::fsync ? entry.inode : 0;
  }
  if (!failed.empty()) CHECK(!done);
  CHECK(site.suspect.load() == faulty);
}

struct Fault {
  int errnum;
  bool persistently;
  bool after_effect;
  bool misses;  // nothing is in the kernel's caches: everything passes the ring
  bool named;   // no O_TMPFILE
};

// One run; false when the fault was not reached any more.
bool run_once(const Operation& operation, const Fault& fault, std::uint64_t nth) {
  Site site;
  if (fault.named) site.options.abilities.tmpfile_link = {ENOTSUP};
  run_on(fake::Plan::plain(), [&](engine::Shard&) -> Task<> {
    st::Store store(site.options, site.locks);
    co_await operation.prepare(site, store);
  });
  const std::size_t descriptors = open_descriptors();
  fake::Plan plan = fake::Plan::plain();
  plan.fail_nth = nth;
  plan.fail_errnum = fault.errnum;
  plan.fail_persistently = fault.persistently;
  plan.fail_after_effect = fault.after_effect;
  plan.miss_probability = fault.misses ? 1 : 0;
  std::vector<fake::LogEntry> log;
  bool reached = false;
  bool done = false;
  run_on(
      plan,
      [&](engine::Shard&) -> Task<> {
        st::Store store(site.options, site.locks);
        done = (co_await operation.act(site, store)).has_value();
      },
      &log, &reached);
  CHECK(open_descriptors() == descriptors);
  if (!reached) CHECK(done);
  if (!fault.after_effect) check_syncs(site, log, done);  // the log tells what was done
  run_on(fake::Plan::plain(), [&](engine::Shard&) -> Task<> {
    st::Store store(site.options, site.locks);
    co_await operation.check(site, store, done);
    CHECK(co_await st::sweep_staging(site.options, ~0ULL));
    CHECK(site.nothing_aside());
    CHECK(std::filesystem::is_empty(site.directory.path() + "/.millrace"));
    co_await operation.check(site, store, done);
    // And life goes on: no lock was lost.
    for (const std::string key : {"k", "a", "a/b", "a/z", "d/e"}) {
      CHECK(co_await put(store, key, "afterwards"));
      CHECK(co_await remove(store, key));
    }
    CHECK(site.tree().empty());
  });
  return reached;
}

void sweep(const Operation& operation, const Fault& fault) {
  CAPTURE(std::string(operation.name));
  CAPTURE(fault.errnum);
  CAPTURE(fault.persistently);
  CAPTURE(fault.after_effect);
  CAPTURE(fault.misses);
  CAPTURE(fault.named);
  for (std::uint64_t nth = 1;; ++nth) {
    CAPTURE(nth);
    REQUIRE(nth < 200);
    if (!run_once(operation, fault, nth)) return;
  }
}

}  // namespace

TEST_CASE("an operation whose Nth request fails is whole or not at all") {
  for (const Operation& operation : operations) {
    for (const int errnum : {EIO, ENOSPC, EROFS, EINTR, ENOMEM, EMFILE}) {
      const bool odd = errnum % 2 == 1;
      sweep(operation, {errnum, false, false, odd, false});
      // A read or write that is interrupted for ever is tried for ever.
      if (errnum != EINTR) sweep(operation, {errnum, true, false, odd, false});
    }
  }
}

TEST_CASE("the same where staged files have names, and without the kernel's caches") {
  for (const Operation& operation : operations) {
    sweep(operation, {EIO, false, false, false, true});
    sweep(operation, {EIO, true, false, true, true});
    sweep(operation, {ENOSPC, false, false, true, true});
  }
}

TEST_CASE("the same where the request has had its effect all the same") {
  for (const Operation& operation : operations) {
    sweep(operation, {EIO, false, true, false, false});
    sweep(operation, {EIO, false, true, true, true});
    sweep(operation, {EIO, true, true, true, false});
  }
}
