// The sweep of faults: an operation of the store with its Nth request made to fail, for every N
// until it passes untouched, and what must hold whatever was done (fault_sweep_test.cpp). With
// persistent faults the process is as good as dead from there on.
#pragma once

#include "tests/fake/ring_fake.h"
#include "tests/s3/store/store_driver.h"

#include <set>

namespace millrace::tests {

struct Operation {
  const char* name;
  Task<> (*prepare)(Site& site, st::Store& store);
  Task<engine::Result<>> (*act)(Site& site, st::Store& store);
  // With nothing failing any more: whether the state is one that the outcome permits.
  Task<> (*check)(Site& site, st::Store& store, bool done);
};

inline std::size_t open_descriptors() {
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
inline void check_syncs(const Site& site, const std::vector<fake::LogEntry>& log, bool done) {
  std::set<std::uint64_t> failed;  // inodes
  std::uint64_t just_synced = 0;
  bool faulty = false;
  for (const auto& entry : log) {
    if (entry.action == engine::Action::fsync) CHECK(!failed.contains(entry.inode));
    const bool sync = entry.action == engine::Action::fsync ||
                      (entry.action == engine::Action::stat && entry.inode == just_synced);
    if (sync && entry.result < 0) failed.insert(entry.inode);
    if (sync && entry.result < 0) faulty |= entry.result != -ENOSPC && entry.result != -EDQUOT;
    just_synced = entry.action == engine::Action::fsync ? entry.inode : 0;
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
inline bool run_once(const Operation& operation, const Fault& fault, std::uint64_t nth) {
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

inline void sweep(const Operation& operation, const Fault& fault) {
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

inline constexpr int all_errnums[] = {EIO, ENOSPC, EROFS, EINTR, ENOMEM, EMFILE};

// As a failure, and as a death; with odd errnos nothing is cached.
inline void sweep_errnos(std::span<const Operation> operations,
                         std::span<const int> errnums = all_errnums) {
  for (const Operation& operation : operations) {
    for (const int errnum : errnums) {
      const bool odd = errnum % 2 == 1;
      sweep(operation, {errnum, false, false, odd, false});
      // A read or write that is interrupted for ever is tried for ever.
      if (errnum != EINTR) sweep(operation, {errnum, true, false, odd, false});
    }
  }
}

inline void sweep_named_files(std::span<const Operation> operations) {
  for (const Operation& operation : operations) {
    sweep(operation, {EIO, false, false, false, true});
    sweep(operation, {EIO, true, false, true, true});
    sweep(operation, {ENOSPC, false, false, true, true});
  }
}

inline void sweep_lost_answers(std::span<const Operation> operations) {
  for (const Operation& operation : operations) {
    sweep(operation, {EIO, false, true, false, false});
    sweep(operation, {EIO, false, true, true, true});
    sweep(operation, {EIO, true, true, true, false});
  }
}

}  // namespace millrace::tests
