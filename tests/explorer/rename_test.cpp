// One object goes from a name in one directory to a name in another, by one rename under both
// keys' locks. Key 0 is where the object is (1: at A, 2: at B): a rename is a write of that which
// expects the other, so orders of answers, power cuts and deaths are checked as for any object.
// Proven: it is always under exactly one of its names, an acknowledged rename stays, one that must
// replace nothing replaces nothing, and two that want each other's locks both end.
#include <doctest/doctest.h>

#include "tests/explorer/explorer.h"

namespace millrace::explorer {
namespace {

constexpr Name a_name = 0;  // in the root
constexpr Name b_name = 1;  // in d
constexpr Name d_name = 2;
constexpr int at_a = 1;
constexpr int at_b = 2;
constexpr int nowhere = 3;  // or twice there

struct Protocol {
  bool one_rename = true;  // else a link, then an unlink
  bool ordered_locks = true;
  bool target_lock = true;
  bool sync_target = true;
  bool sync_source = true;
};

struct End {
  Ino dir;
  Name name;
};

void lock_both(Context& c, const Protocol& p, int from, int to) {
  const bool swapped = p.ordered_locks && from > to;
  c.lock(swapped ? to : from);
  if (p.target_lock) c.lock(swapped ? from : to);
}

void unlock_both(Context& c, const Protocol& p, int from, int to) {
  if (p.target_lock) c.unlock(to);
  c.unlock(from);
}

// Whether it happened. Only under the locks is looked and acted.
bool move(Context& c, const Protocol& p, bool forth, bool replaces) {
  const End a{root, a_name};
  const End b{c.lookup(root, d_name), b_name};
  const End from = forth ? a : b;
  const End to = forth ? b : a;
  lock_both(c, p, forth ? 0 : 1, forth ? 1 : 0);
  const Ino file = c.lookup(from.dir, from.name);
  bool done = file != no_ino;
  if (done && !replaces) done = c.lookup(to.dir, to.name) == no_ino;
  if (done && p.one_rename) {
    done = c.rename(from.dir, from.name, to.dir, to.name) == 0;
  } else if (done) {
    c.link(file, to.dir, to.name);
    c.unlink(from.dir, from.name);
  }
  if (done && p.sync_target) c.sync_dir(to.dir);
  if (done && p.sync_source) c.sync_dir(from.dir);
  unlock_both(c, p, forth ? 0 : 1, forth ? 1 : 0);
  return done;
}

void rename(Context& c, const Protocol& p, bool forth) {
  c.begin(OpKind::put_if_match, 0, forth ? at_b : at_a, forth ? at_a : at_b);
  c.answer(move(c, p, forth, true) ? OpState::done : OpState::refused);
}

// As a write of B that must find nothing there; the object's content is 1.
void rename_to_free(Context& c, const Protocol& p) {
  c.begin(OpKind::put_if_none, 1, 1);
  c.answer(move(c, p, true, false) ? OpState::done : OpState::refused);
}

void put_if_none(Context& c, int value) {
  c.begin(OpKind::put_if_none, 1, value);
  const Ino file = c.stage(static_cast<std::int8_t>(value), true);
  const Ino dir = c.lookup(root, d_name);
  c.lock(1);
  const bool refused = c.link(file, dir, b_name) != 0;
  if (!refused) c.sync_dir(dir);
  c.unlock(1);
  c.answer(refused ? OpState::refused : OpState::done);
}

Scenario scenario() {
  Scenario s;
  s.before([](Context& c) {
    c.begin(OpKind::put, 0, at_a);
    c.link(c.stage(1, true), root, a_name);
    c.make_dir(root, d_name);
    c.answer();
  });
  return s;
}

// Where the object is.
Scenario place() {
  Scenario s = scenario();
  s.reader(1, [](Context& c, int) {
    const bool a = c.lookup(root, a_name) != no_ino;
    const bool b = c.lookup(c.lookup(root, d_name), b_name) != no_ino;
    return a == b ? nowhere : (a ? at_a : at_b);
  });
  s.cuts_max = 2;
  s.deaths_max = 1;
  return s;
}

// B's content; of key 0 only that the object has one name, so that a rename there says nothing.
Scenario target() {
  Scenario s = scenario();
  s.reader(2, [](Context& c, int key) {
    const Ino a = c.lookup(root, a_name);
    const Ino b = c.lookup(c.lookup(root, d_name), b_name);
    const int content = b == no_ino ? 0 : c.read(b, 0);
    if (key == 1) return content;
    return (a != no_ino) + (content == 1) == 1 ? at_a : nowhere;
  });
  return s;
}

Report there_and_back(const Protocol& p) {
  return explore(place().actor([p](Context& c) { rename(c, p, true); }).actor([p](Context& c) {
    rename(c, p, false);
  }));
}

Report twice(const Protocol& p) {
  return explore(place().actor([p](Context& c) { rename(c, p, true); }).actor([p](Context& c) {
    rename(c, p, true);
  }));
}

Report beside_a_write(const Protocol& p) {
  return explore(target().actor([p](Context& c) { rename_to_free(c, p); }).actor([](Context& c) {
    put_if_none(c, 2);
  }));
}

void check_holds(const Report& report) {
  INFO(report.what);
  CHECK_FALSE(report.violated);
  CHECK(report.ends > 10);
}

}  // namespace

TEST_CASE("rename: the object is under one of its names, and stays where it was acknowledged") {
  check_holds(there_and_back({}));
  check_holds(twice({}));
  check_holds(beside_a_write({}));
}

TEST_CASE("rename: each broken variant is caught") {
  CHECK(there_and_back({.one_rename = false}).violated);
  CHECK(there_and_back({.ordered_locks = false}).violated);
  CHECK(beside_a_write({.target_lock = false}).violated);
  CHECK(twice({.sync_target = false, .sync_source = false}).violated);
}

}  // namespace millrace::explorer
