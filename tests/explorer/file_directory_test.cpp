// The object `a` and the object `a/b` at once. A key's own directory holds the
// object as `.mr.f`; a file becomes a directory under the lock of its key, by
// RENAME_EXCHANGE or through `moving`, and goes back only by a DELETE of `a` that
// leaves the directory empty. Readers take no lock. Proven: every answer has an
// order, also across power cuts and, for `moving`, the death of a node midway.
#include <doctest/doctest.h>

#include "tests/explorer/explorer.h"

namespace millrace::explorer {
namespace {

constexpr Name a_name = 0;     // in the root, key 0; in `moving`, its hash
constexpr Name b_name = 1;     // in a: a/b is key 1
constexpr Name file_name = 2;  // .mr.f

enum class Moment { never, before, after };

struct Protocol {
  bool exchange = true;                         // else through `moving`
  bool writers_lock = true;                     // PUT and DELETE of a take its lock
  bool sync_built = true;                       // exchange: the built directory is synced before
  bool remove_syncs_ancestors = true;           // DELETE of a/.mr.f: a's own entry is durable too
  bool moves_by_rename = false;                 // moving: in one rename, else link, sync, unlink
  bool sync_moved = true;                       // moving: synced before the name is removed
  bool repair = true;                           // moving: whoever takes the lock looks there first
  Moment remove_syncs_moving = Moment::before;  // moving: DELETE of a/.mr.f
  bool reader_looks_there = true;
  bool reader_looks_again = true;
};

Ino directory(int opened) {
  return opened < 0 ? static_cast<Ino>(-opened) : no_ino;
}

// Links what moving holds as a/.mr.f, if a is or can be made a directory; both
// are durable before the name in moving goes.
void finish_moving(Context& c, Ino file) {
  while (true) {
    c.make_dir(root, a_name);
    const Ino dir = directory(c.open(root, a_name));
    if (dir == no_ino) continue;
    const int linked = c.link(file, dir, file_name);
    if (linked == ENOENT) continue;  // a DELETE of a/... has removed the empty directory
    c.sync_dir(dir);
    c.sync_dir(root);
    c.unlink(moving, a_name);
    return;
  }
}

// Under the lock: what a node that died, or a power cut, has left.
void repair(Context& c, const Protocol& p) {
  if (p.exchange || !p.repair) return;
  const Ino file = c.lookup(moving, a_name);
  if (file == no_ino) return;
  const int found = c.open(root, a_name);
  if (found > 0 && found != file) {  // left over: a was removed and put since
    c.unlink(moving, a_name);
    c.sync_dir(moving);
    return;
  }
  if (found > 0) {  // not moved yet: go on, since going back would need a sync too
    if (p.sync_moved) c.sync_dir(moving);
    c.unlink(root, a_name);
  }
  finish_moving(c, file);
}

void convert(Context& c, const Protocol& p) {
  c.lock(0);
  repair(c, p);
  const int found = c.open(root, a_name);
  if (found > 0 && p.exchange) {
    const Ino built = c.fresh();
    c.mkdir(built, staging, c.temp());
    c.link(static_cast<Ino>(found), built, file_name);
    if (p.sync_built) c.sync_dir(built);
    c.exchange(staging, c.temp(), root, a_name);
    c.unlink(staging, c.temp());
  } else if (found > 0) {
    if (p.moves_by_rename) {
      c.rename(root, a_name, moving, a_name);
    } else {
      c.link(static_cast<Ino>(found), moving, a_name);
      if (p.sync_moved) c.sync_dir(moving);
      c.unlink(root, a_name);
    }
    finish_moving(c, static_cast<Ino>(found));
  }
  c.unlock(0);
}

void put_a(Context& c, const Protocol& p, int value, bool if_none = false) {
  c.begin(if_none ? OpKind::put_if_none : OpKind::put, 0, value);
  const Ino file = c.stage(static_cast<std::int8_t>(value), true);
  if (p.writers_lock) c.lock(0);
  repair(c, p);
  Ino into = no_ino;
  bool refused = false;
  while (into == no_ino && !refused) {
    int result = c.link(file, root, a_name);
    if (result == 0) {
      into = root;
      break;
    }
    const int found = c.open(root, a_name);
    const Ino dir = directory(found);
    if (dir != no_ino) {
      result = c.link(file, dir, file_name);
      if (result == EEXIST && !if_none) {
        c.link(file, staging, c.temp());
        result = c.rename(staging, c.temp(), dir, file_name);
      }
      if (result == 0) into = dir;
      refused = result == EEXIST;
    } else if (if_none) {
      refused = found > 0;  // else it vanished: only a link that succeeds tells
    } else {
      c.link(file, staging, c.temp());
      if (c.rename(staging, c.temp(), root, a_name) == 0) into = root;
    }
  }
  if (p.writers_lock) c.unlock(0);
  if (refused) return c.answer(OpState::refused);
  c.sync_dir(into);
  if (into != root) c.sync_dir(root);
  c.answer();
}

void remove_a(Context& c, const Protocol& p) {
  c.begin(OpKind::remove, 0);
  if (p.writers_lock) c.lock(0);
  repair(c, p);
  Ino dir = no_ino;
  while (true) {
    if (c.unlink(root, a_name) != EISDIR) break;
    dir = directory(c.open(root, a_name));
    if (dir == no_ino) continue;
    // Before the unlink: else a power cut may keep it and bring moving's name back.
    if (!p.exchange && p.remove_syncs_moving == Moment::before) c.sync_dir(moving);
    c.unlink(dir, file_name);
    if (!p.exchange && p.remove_syncs_moving == Moment::after) c.sync_dir(moving);
    break;
  }
  if (p.writers_lock) c.unlock(0);
  c.sync_dir(dir == no_ino ? root : dir);
  if (dir != no_ino && p.remove_syncs_ancestors) c.sync_dir(root);
  c.answer();
  if (dir != no_ino) c.rmdir(root, a_name);
}

void put_b(Context& c, const Protocol& p, int value) {
  c.begin(OpKind::put, 1, value);
  const Ino file = c.stage(static_cast<std::int8_t>(value), true);
  while (true) {
    const int found = c.open(root, a_name);
    if (found > 0) {
      convert(c, p);
      continue;
    }
    if (found == 0) {
      c.make_dir(root, a_name);
      continue;
    }
    const Ino dir = directory(found);
    int result = c.link(file, dir, b_name);
    if (result == EEXIST) {
      c.link(file, staging, c.temp());
      result = c.rename(staging, c.temp(), dir, b_name);
    }
    if (result == ENOENT) continue;
    c.sync_dir(dir);
    c.sync_dir(root);
    return c.answer();
  }
}

void remove_b(Context& c) {
  c.begin(OpKind::remove, 1);
  const Ino dir = directory(c.open(root, a_name));
  if (dir == no_ino) return c.answer();
  c.unlink(dir, b_name);
  c.sync_dir(dir);
  c.answer();
  c.rmdir(root, a_name);  // ENOTEMPTY while .mr.f is there: a stays a directory
}

Ino find_a(Context& c) {
  const int found = c.open(root, a_name);
  if (found >= 0) return static_cast<Ino>(found);
  return c.lookup(directory(found), file_name);
}

int read(Context& c, const Protocol& p, int key) {
  Ino file = no_ino;
  if (key == 1) {
    const Ino dir = directory(c.open(root, a_name));
    if (dir != no_ino) file = c.lookup(dir, b_name);
  } else {
    file = find_a(c);
    if (file == no_ino && !p.exchange) {
      if (p.reader_looks_there) file = c.lookup(moving, a_name);
      if (file == no_ino && p.reader_looks_again) file = find_a(c);
    }
  }
  return file == no_ino ? 0 : c.read(file, 0);
}

enum class Act { put_a, create_a, remove_a, put_b, remove_b, get_a, put_remove_a };

void act(Context& c, const Protocol& p, Act what, int value) {
  switch (what) {
    case Act::put_a: return put_a(c, p, value);
    case Act::create_a: return put_a(c, p, value, true);
    case Act::remove_a: return remove_a(c, p);
    case Act::put_b: return put_b(c, p, value);
    case Act::remove_b: return remove_b(c);
    case Act::get_a: c.begin(OpKind::read, 0); return c.answer_read(read(c, p, 0));
    case Act::put_remove_a: put_a(c, p, value); return remove_a(c, p);
  }
}

struct Before {
  bool a = true;
  bool b = false;
};

Report race(const Protocol& p, Before before, std::initializer_list<Act> acts, int cuts = 1,
            int deaths = 0, bool any_subset = false) {
  Scenario s;
  s.before([p, before](Context& c) {
    if (before.a) put_a(c, p, 1);
    if (before.b) put_b(c, p, 1);
  });
  s.reader(2, [p](Context& c, int key) { return read(c, p, key); });
  s.after_cut([p](Context& c) {
    c.lock(0);
    repair(c, p);
    c.unlock(0);
  });
  int value = 2;
  for (const Act what : acts) {
    s.actor([p, what, value](Context& c) { act(c, p, what, value); });
    ++value;
  }
  s.cuts_max = cuts;
  s.deaths_max = deaths;
  s.any_subset = any_subset;
  return explore(s);
}

void check_holds(const Report& report) {
  INFO(report.what);
  CHECK_FALSE(report.violated);
  CHECK(report.ends > 10);
}

constexpr Before nothing{.a = false};
constexpr Before only_a{};
constexpr Before only_b{.a = false, .b = true};
constexpr Before both{.b = true};

void check_pairs(const Protocol& p, int cuts, int deaths, bool any_subset = false) {
  check_holds(race(p, only_a, {Act::put_b, Act::put_a}, cuts, deaths, any_subset));
  check_holds(race(p, only_a, {Act::put_b, Act::remove_a}, cuts, deaths, any_subset));
  check_holds(race(p, only_a, {Act::put_b, Act::put_b}, cuts, deaths, any_subset));
  check_holds(race(p, nothing, {Act::put_b, Act::create_a}, cuts, deaths, any_subset));
  check_holds(race(p, only_b, {Act::remove_b, Act::put_a}, cuts, deaths, any_subset));
  check_holds(race(p, both, {Act::remove_b, Act::remove_a}, cuts, deaths, any_subset));
  check_holds(race(p, both, {Act::remove_b, Act::put_a}, cuts, deaths, any_subset));
}

}  // namespace

TEST_CASE("file and directory, by exchange: pairs of writers, one of which may die") {
  check_pairs({}, 2, 1);
  check_pairs({}, 1, 1, true);
}

TEST_CASE("file and directory, by exchange: three at a time") {
  const Protocol p;
  check_holds(race(p, only_a, {Act::put_b, Act::put_a, Act::get_a}));
  check_holds(race(p, only_a, {Act::put_b, Act::remove_a, Act::get_a}));
  check_holds(race(p, only_a, {Act::put_b, Act::put_b, Act::remove_a}));
  check_holds(race(p, only_a, {Act::put_b, Act::create_a, Act::remove_a}));
  check_holds(race(p, only_b, {Act::remove_b, Act::put_a, Act::get_a}));
  check_holds(race(p, only_a, {Act::put_b, Act::put_a, Act::put_remove_a}, 1, 1));
}

TEST_CASE("file and directory, through moving: pairs of writers, one of which may die") {
  check_pairs({.exchange = false}, 2, 1);
  check_pairs({.exchange = false}, 1, 1, true);
  check_pairs({.exchange = false, .moves_by_rename = true}, 2, 1);
}

TEST_CASE("file and directory, through moving: three at a time") {
  const Protocol p{.exchange = false};
  check_holds(race(p, only_a, {Act::put_b, Act::get_a}));
  check_holds(race(p, only_a, {Act::put_b, Act::put_a, Act::get_a}, 0, 1));
  check_holds(race(p, only_a, {Act::put_b, Act::remove_a, Act::get_a}, 0, 1));
  check_holds(race(p, only_a, {Act::put_b, Act::create_a, Act::remove_a}, 0, 1));
  check_holds(race(p, only_a, {Act::put_b, Act::remove_b, Act::get_a}, 0, 1));
  check_holds(race(p, only_a, {Act::put_b, Act::put_b, Act::remove_a}, 1, 2));
  check_holds(race(p, only_a, {Act::put_b, Act::put_a, Act::put_remove_a}, 1, 1));
}

TEST_CASE("file and directory: each broken variant is caught") {
  const Protocol unlocked{.writers_lock = false};
  CHECK(race(unlocked, only_a, {Act::put_b, Act::put_a}).violated);
  const Protocol unlocked_moving{.exchange = false, .writers_lock = false};
  CHECK(race(unlocked_moving, only_a, {Act::put_b, Act::remove_a}).violated);
  CHECK(race({.sync_built = false}, only_a, {Act::put_b, Act::get_a}).violated);
  CHECK(race({.remove_syncs_ancestors = false}, only_a, {Act::put_b, Act::remove_a}).violated);
  const Protocol blind{.exchange = false, .reader_looks_there = false};
  CHECK(race(blind, only_a, {Act::put_b, Act::get_a}).violated);
  const Protocol once{.exchange = false, .reader_looks_again = false};
  CHECK(race(once, only_a, {Act::put_b, Act::get_a}, 0).violated);
  const Protocol careless{.exchange = false, .repair = false};
  CHECK(race(careless, only_a, {Act::put_b, Act::put_remove_a}, 0, 1).violated);
  const Protocol hasty{.exchange = false, .sync_moved = false};
  CHECK(race(hasty, only_a, {Act::put_b, Act::get_a}, 1, 0, true).violated);
  const Protocol renaming{.exchange = false, .moves_by_rename = true};
  CHECK(race(renaming, only_a, {Act::put_b, Act::get_a}, 1, 0, true).violated);
  const Protocol lazy{.exchange = false, .remove_syncs_moving = Moment::never};
  CHECK(race(lazy, only_a, {Act::put_b, Act::remove_a}).violated);
  const Protocol late{.exchange = false, .remove_syncs_moving = Moment::after};
  CHECK(race(late, only_a, {Act::put_b, Act::put_a, Act::put_remove_a}, 1, 1).violated);
}

}  // namespace millrace::explorer
