// One name: publish by link, replace by link and rename, delete, read. Proven:
// nothing acknowledged is lost, a read is old or new and never mixed, exactly one
// of several conditional writers wins. Each protocol has broken variants that the
// explorer must catch.
#include <doctest/doctest.h>

#include "tests/explorer/explorer.h"

namespace millrace::explorer {
namespace {

constexpr Name key = 0;  // and 1 beside it, for the sync that two share

struct Protocol {
  bool sync_file = true;
  bool sync_dir = true;
  bool publish_by_link = true;      // else a look first, then a rename
  bool read_one_descriptor = true;  // else attribute and body each by path
  bool sync_missing = true;         // DELETE syncs the directory also when nothing was there
  bool match_locks = true;
  bool put_locks = true;  // a plain PUT takes the key's lock where If-Match is served
  bool share_running_sync = false;
};

// The worst a kernel may do: what a sync covers is fixed when it is submitted.
void sync_shared(Context& c, Ino dir) {
  const int running = c.step("join or submit", [&](World& w) {
    if (w.vars[0] != 0) return static_cast<int>(w.vars[1]);
    w.vars[0] = 1;
    w.tree.sync_dir(dir);
    return -1;
  });
  if (running >= 0) {
    c.step("await its end", [&](World& w) { return w.vars[1] == running ? Context::blocked : 0; });
    return;
  }
  c.step("sync ends", [](World& w) {
    w.vars[0] = 0;
    return ++w.vars[1];
  });
}

void replace(Context& c, Ino file, Name name = key) {
  c.link(file, staging, c.temp());
  c.rename(staging, c.temp(), root, name);
}

void put(Context& c, const Protocol& p, int value, bool if_none, Name name = key) {
  c.begin(if_none ? OpKind::put_if_none : OpKind::put, name, value);
  const Ino file = c.stage(static_cast<std::int8_t>(value), p.sync_file);
  if (p.put_locks) c.lock(0);
  bool fresh = false;
  if (p.publish_by_link) {
    fresh = c.link(file, root, name) == 0;
  } else {
    fresh = c.lookup(root, name) == no_ino;
    if (fresh) replace(c, file, name);
  }
  if (!fresh && !if_none) replace(c, file, name);
  if (p.put_locks) c.unlock(0);
  if (!fresh && if_none) return c.answer(OpState::refused);
  if (p.share_running_sync) {
    sync_shared(c, root);
  } else if (p.sync_dir) {
    c.sync_dir(root);
  }
  c.answer();
}

void put_if_match(Context& c, const Protocol& p, int value, int expected) {
  c.begin(OpKind::put_if_match, 0, value, expected);
  const Ino file = c.stage(static_cast<std::int8_t>(value), p.sync_file);
  if (p.match_locks) c.lock(0);
  const Ino current = c.lookup(root, key);
  const bool matches = current != no_ino && c.read(current, 0) == expected;
  if (matches) replace(c, file);
  if (p.match_locks) c.unlock(0);
  if (!matches) return c.answer(OpState::refused);
  c.sync_dir(root);
  c.answer();
}

void remove(Context& c, const Protocol& p) {
  c.begin(OpKind::remove, 0);
  if (p.put_locks) c.lock(0);
  const bool missing = c.unlink(root, key) == ENOENT;
  if (p.put_locks) c.unlock(0);
  if (!missing || p.sync_missing) c.sync_dir(root);
  c.answer();
}

int read(Context& c, const Protocol& p, Name name = key) {
  const Ino first = c.lookup(root, name);
  if (first == no_ino) return 0;
  const int attribute = c.read(first, 0);
  const Ino second = p.read_one_descriptor ? first : c.lookup(root, name);
  if (second == no_ino) return 0;
  const int body = c.read(second, 1);
  return attribute == body ? attribute : -1;
}

void get(Context& c, const Protocol& p) {
  c.begin(OpKind::read, 0);
  c.answer_read(read(c, p));
}

Scenario with(const Protocol& p, bool exists) {
  Scenario s;
  s.before([p, exists](Context& c) {
    if (exists) put(c, p, 1, false);
  });
  s.reader(2, [p](Context& c, int name) { return read(c, p, static_cast<Name>(name)); });
  return s;
}

Report overwrite_delete_read(const Protocol& p, bool exists) {
  return explore(with(p, exists)
                     .actor([p](Context& c) { put(c, p, 2, false); })
                     .actor([p](Context& c) { remove(c, p); })
                     .actor([p](Context& c) { get(c, p); }));
}

Report two_writers_read(const Protocol& p, bool exists, bool if_none) {
  return explore(with(p, exists)
                     .actor([p, if_none](Context& c) { put(c, p, 2, if_none); })
                     .actor([p, if_none](Context& c) { put(c, p, 3, if_none); })
                     .actor([p](Context& c) { get(c, p); }));
}

Report deletes(const Protocol& p) {
  return explore(with(p, true).actor([p](Context& c) { remove(c, p); }).actor([p](Context& c) {
    remove(c, p);
  }));
}

Report matches(const Protocol& p, bool with_put) {
  Scenario s = with(p, true);
  s.actor([p](Context& c) { put_if_match(c, p, 2, 1); });
  s.actor([p](Context& c) { put_if_match(c, p, 3, 1); });
  if (with_put) s.actor([p](Context& c) { put(c, p, 4, false); });
  return explore(s);
}

Report two_keys(const Protocol& p) {
  return explore(
      with(p, false).actor([p](Context& c) { put(c, p, 2, false); }).actor([p](Context& c) {
        put(c, p, 3, false, key + 1);
      }));
}

void check_holds(const Report& report) {
  INFO(report.what);
  CHECK_FALSE(report.violated);
  CHECK(report.ends > 10);
}

}  // namespace

TEST_CASE("publish: overwrites, deletes and reads race without loss") {
  for (const bool locks : {false, true}) {
    const Protocol p{.put_locks = locks};
    for (const bool exists : {false, true}) {
      check_holds(overwrite_delete_read(p, exists));
      check_holds(two_writers_read(p, exists, false));
    }
    check_holds(deletes(p));
    check_holds(two_keys(p));
  }
}

TEST_CASE("publish: one of two If-None-Match writers wins, without any lock") {
  const Protocol p{.put_locks = false};
  check_holds(two_writers_read(p, false, true));
  check_holds(two_writers_read(p, true, true));
  check_holds(explore(with(p, true)
                          .actor([p](Context& c) { put(c, p, 2, true); })
                          .actor([p](Context& c) { remove(c, p); })
                          .actor([p](Context& c) { put(c, p, 3, true); })));
}

TEST_CASE("publish: one of two If-Match writers wins if every publish takes the lock") {
  check_holds(matches({}, false));
  check_holds(matches({}, true));
}

TEST_CASE("publish: each broken variant is caught") {
  CHECK(overwrite_delete_read({.sync_file = false}, false).violated);
  CHECK(overwrite_delete_read({.sync_dir = false}, false).violated);
  CHECK(overwrite_delete_read({.sync_dir = false}, true).violated);
  CHECK(two_writers_read({.read_one_descriptor = false}, true, false).violated);
  CHECK(two_writers_read({.publish_by_link = false, .put_locks = false}, false, true).violated);
  CHECK(deletes({.sync_missing = false}).violated);
  CHECK(matches({.match_locks = false}, false).violated);
  CHECK(matches({.put_locks = false}, true).violated);
  CHECK(two_keys({.put_locks = false, .share_running_sync = true}).violated);
}

}  // namespace millrace::explorer
