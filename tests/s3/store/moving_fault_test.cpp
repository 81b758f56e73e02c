// The fake ring lets a process die at each request to the filesystem: from there on nothing it
// does has an effect. Whatever it was doing, the object it moved is there, before and after
// anybody has put things right. Also: renames that are refused across directories, and that
// filesystems with an exchange are not asked for anything more.
#include "tests/fake/ring_fake.h"
#include "tests/s3/store/moving_driver.h"

namespace millrace::tests {
namespace {

using engine::Action;

// Runs `body` on a shard whose ring follows the plan; false if nothing was made to fail.
template <class Body>
bool run_with(fake::Plan plan, Body body) {
  plan.log = false;
  const fake::Scenario scenario(std::move(plan));
  {
    TestShard test;
    const Task<> task = body();
    test.shard->run_until(task);
  }
  return scenario.injected() > 0;
}

fake::Plan dies_at(std::uint64_t request) {
  fake::Plan plan = fake::Plan::plain();
  plan.fail_nth = request;
  plan.fail_persistently = true;
  return plan;
}

// What may come next on the object x/a, with the text "one", that may be half moved.
Task<> put_right(st::Store& store, MovingBucket& bucket, unsigned who) {
  if (who == 0) {
    const auto again = co_await put(store, "x/a", "next");
    REQUIRE(again);
    CHECK(again->existed);
    CHECK(co_await get(store, "x/a") == "next");
  } else if (who == 1) {
    const auto refused = co_await put(store, "x/a", "next", {.must_not_exist = true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(EEXIST));
    CHECK(co_await get(store, "x/a") == "one");
  } else if (who == 2) {
    CHECK(co_await put(store, "x/a/c", "beside"));
    CHECK(co_await get(store, "x/a") == "one");
    CHECK(bucket.is_directory("x/a"));
  } else if (who == 3) {
    const auto removed = co_await remove(store, "x/a");
    REQUIRE(removed);
    CHECK(removed->existed);
    CHECK(co_await get(store, "x/a") == std::nullopt);
    co_return;
  }
  CHECK(co_await store.finish_moves("bkt"));
  CHECK(bucket.aside() == 0);
  CHECK(co_await get(store, "x/a") == (who == 0 ? "next" : "one"));
}

// The object x/a, and then a put of `key` by a process that dies at that request; false if it
// did not come so far.
bool put_and_die(MovingBucket& bucket, std::uint64_t request, std::string key, bool& done) {
  return run_with(dies_at(request), [&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    done = (co_await put(store, key, "below")).has_value();
  });
}

void put_object(MovingBucket& bucket) {
  run_with(fake::Plan::plain(), [&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await put(store, "x/a", "one"));
  });
}

void check_whole(MovingBucket& bucket, unsigned who, bool below) {
  run_with(fake::Plan::plain(), [&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await get(store, "x/a") == "one");
    if (below) CHECK(co_await get(store, "x/a/b") == "below");
    co_await put_right(store, bucket, who);
    if (below) CHECK(co_await get(store, "x/a/b") == "below");
  });
}

TEST_CASE("a process that dies at any request while an object becomes a directory loses nothing") {
  for (const Lacking& kind : {only_exchange, like_gluster}) {
    std::uint64_t at = 1;
    for (bool died = true; died; ++at) {
      // The two kinds make other requests, so together they try more than one after each death.
      const unsigned who = static_cast<unsigned>(at + (kind.tmpfile ? 2 : 0)) % 5;
      CAPTURE(at);
      CAPTURE(who);
      MovingBucket bucket(kind);
      put_object(bucket);
      bool below = false;
      died = put_and_die(bucket, at, "x/a/b", below);
      check_whole(bucket, who, below);
    }
    CHECK(at > 30);
  }
}

TEST_CASE("a process that dies while it puts right what another left loses nothing") {
  unsigned halves = 0;
  for (std::uint64_t first = 1;; ++first) {
    CAPTURE(first);
    {
      MovingBucket bucket(like_gluster);
      put_object(bucket);
      bool below = false;
      if (!put_and_die(bucket, first, "x/a/b", below)) break;
      if (bucket.exists("x/a")) continue;  // not the moment at which it is only aside
    }
    ++halves;
    for (std::uint64_t at = 1;; ++at) {
      CAPTURE(at);
      MovingBucket bucket(like_gluster);
      put_object(bucket);
      bool below = false;
      put_and_die(bucket, first, "x/a/b", below);
      const bool died = put_and_die(bucket, at, "x/a/c", below);
      check_whole(bucket, static_cast<unsigned>(at + first) % 5, false);
      if (!died) break;
    }
  }
  CHECK(halves > 0);
}

TEST_CASE("an error at any request of a move is reported, and the next try succeeds") {
  for (const Lacking& kind : {only_exchange, like_gluster}) {
    for (std::uint64_t at = 1;; ++at) {
      CAPTURE(at);
      MovingBucket bucket(kind);
      fake::Plan plan = fake::Plan::plain();
      plan.fail_nth = at;
      plan.fail_errnum = at % 2 == 0 ? ENOSPC : EIO;
      run_with(fake::Plan::plain(), [&]() -> Task<> {
        st::Store store(bucket.options, bucket.locks);
        CHECK(co_await put(store, "x/a", "one"));
      });
      st::Store store(bucket.options, bucket.locks);
      const bool failed =
          run_with(plan, [&]() -> Task<> { std::ignore = co_await put(store, "x/a/b", "below"); });
      run_with(fake::Plan::plain(), [&]() -> Task<> {
        CHECK(co_await get(store, "x/a") == "one");
        CHECK(co_await put(store, "x/a/b", "below"));
        CHECK(co_await get(store, "x/a") == "one");
        CHECK(co_await remove(store, "x/a"));
        CHECK(co_await get(store, "x/a") == std::nullopt);
        CHECK(co_await get(store, "x/a/b") == "below");
      });
      if (!failed) break;
    }
  }
}

TEST_CASE("a rename that is refused across directories is done within one") {
  for (const bool tmpfile : {true, false}) {
    MovingBucket bucket({.tmpfile = tmpfile, .exchange = true});
    run_with(fake::Plan::plain(), [&]() -> Task<> {
      st::Store store(bucket.options, bucket.locks);
      CHECK(co_await put(store, "x/a", "one"));
    });
    fake::Plan plan = fake::Plan::plain();
    plan.fail_nth = 1;
    plan.fail_errnum = EXDEV;
    plan.counted = {};
    plan.counted[static_cast<std::size_t>(Action::rename)] = true;
    for (const bool persistently : {false, true}) {
      plan.fail_persistently = persistently;
      CHECK(run_with(plan, [&]() -> Task<> {
        st::Store store(bucket.options, bucket.locks);
        const auto replaced = co_await put(store, "x/a", "two");
        if (!persistently) CHECK(replaced);
        if (persistently) CHECK_FALSE(replaced);
        CHECK(co_await get(store, "x/a") == "two");
      }));
      CHECK(bucket.names_in("x") == 1);
      CHECK(bucket.names_in(".mr.sys/staging") == 0);
    }
  }
}

// Requests that name the moving directory.
std::size_t looks_aside(const Lacking& kind) {
  MovingBucket bucket(kind);
  const fake::Scenario scenario(fake::Plan::plain());
  {
    TestShard test;
    const auto body = [&]() -> Task<> {
      st::Store store(bucket.options, bucket.locks);
      CHECK(co_await put(store, "x/a", "one"));
      CHECK(co_await put(store, "x/a/b", "below"));
      CHECK(co_await get(store, "x/none") == std::nullopt);
      CHECK(co_await remove(store, "x/a"));
      CHECK(co_await remove(store, "none/none"));
    };
    const Task<> task = body();
    test.shard->run_until(task);
  }
  std::size_t count = 0;
  for (const fake::LogEntry& entry : scenario.log()) {
    if (entry.path.find("/moving") != std::string::npos) ++count;
  }
  return count;
}

TEST_CASE("a filesystem that can exchange is asked for nothing more") {
  CHECK(looks_aside({.exchange = true}) == 0);
  CHECK(looks_aside({}) > 0);
}

// The order that the proof rests on, by what is done to the names and what is synced.
TEST_CASE("every name is on stable storage before the one it replaces goes") {
  MovingBucket bucket;
  const fake::Scenario scenario(fake::Plan::plain());
  const auto run = [](auto body) {
    TestShard test;
    const Task<> task = body();
    test.shard->run_until(task);
  };
  run([&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await put(store, "x/a", "one"));
  });
  const std::size_t before = scenario.log().size();
  run([&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await put(store, "x/a/b", "below"));
    CHECK(co_await remove(store, "x/a"));
  });
  const st::MovingNames names("bkt", "x/a");
  std::string order;
  const auto log = scenario.log();
  for (std::size_t i = before; i < log.size(); ++i) {
    const fake::LogEntry& each = log[i];
    if (!each.took_effect || each.result != 0) continue;
    const bool aside = each.path.ends_with("/moving");
    if (each.action == Action::fsync && aside) order += "M";
    if (each.action == Action::fsync && each.path.ends_with("/x/a")) order += "A";
    if (each.action == Action::fsync && each.path.ends_with("/bkt/x")) order += "X";
    if (each.action == Action::link && each.path2.ends_with(names.note())) order += "n";
    if (each.action == Action::link && each.path2.ends_with(names.link())) order += "l";
    if (each.action == Action::unlink && each.path.ends_with("/x/a")) order += "u";
    if (each.action == Action::make_directory && each.path.ends_with("/x/a")) order += "d";
    if (each.action == Action::link && each.path2.ends_with("/x/a/.mr.f")) order += "f";
    if (each.action == Action::unlink && each.path.ends_with(names.link())) order += "g";
    if (each.action == Action::unlink && each.path.ends_with(names.note())) order += "h";
    if (each.action == Action::unlink && each.path.ends_with("/x/a/.mr.f")) order += "F";
  }
  CAPTURE(order);
  CHECK(order.starts_with("nlMudfAXgh"));
  CHECK(order.ends_with("MFA"));
}

}  // namespace
}  // namespace millrace::tests
