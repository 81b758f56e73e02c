// Parents that come and go: `a/b` is put while a DELETE of the last other object
// removes the empty directory `a`. Proven: a 200 implies that every ancestor's
// entry is durable, whoever made it; a DELETE's 204 survives a power cut also when
// the directory went with it.
#include <doctest/doctest.h>

#include "tests/explorer/explorer.h"

namespace millrace::explorer {
namespace {

constexpr Name dir_name = 0;        // a, in the root; keys 0 and 1 are names 1 and 2 in it
constexpr Name dir_known_name = 3;  // a place in the memory by path (broken variant)

constexpr Name name_of(int key) {
  return static_cast<Name>(key + 1);
}

struct Protocol {
  bool retry = true;           // a put whose parent vanished makes it again
  bool sync_ancestors = true;  // also those that another made
  enum class Memory { none, by_inode, by_path } memory = Memory::none;
  bool sync_before_rmdir = true;  // DELETE: fsync(a) comes before rmdir(a)
  bool sync_missing = true;       // DELETE of a name that is gone syncs its directory
};

bool is_known(Context& c, const Protocol& p, Ino dir) {
  if (p.memory == Protocol::Memory::none) return false;
  const int place = p.memory == Protocol::Memory::by_inode ? dir : dir_known_name;
  return c.step("known synced?", [&](World& w) { return w.known[place] ? 1 : 0; }) != 0;
}

void sync_parent_entry(Context& c, const Protocol& p, Ino dir) {
  if (is_known(c, p, dir)) return;
  c.step("fsync root", [&](World& w) {
    w.tree.sync_dir(root);
    const int place = p.memory == Protocol::Memory::by_path ? dir_known_name : dir;
    w.known[place] = p.memory != Protocol::Memory::none;
    return 0;
  });
}

void put(Context& c, const Protocol& p, int key, int value) {
  c.begin(OpKind::put, key, value);
  const Ino file = c.stage(static_cast<std::int8_t>(value), true);
  bool made = false;
  while (true) {
    made = c.make_dir(root, dir_name) == 0;
    const Ino dir = c.lookup(root, dir_name);  // openat: from here on by descriptor
    if (dir != no_ino) {
      int linked = c.link(file, dir, name_of(key));
      if (linked == EEXIST) {
        c.link(file, staging, c.temp());
        linked = c.rename(staging, c.temp(), dir, name_of(key));
      }
      if (linked == 0 || !p.retry) {
        c.sync_dir(dir);
        if (p.sync_ancestors || made) sync_parent_entry(c, p, dir);
        return c.answer();
      }
    }
  }
}

void remove(Context& c, const Protocol& p, int key) {
  c.begin(OpKind::remove, key);
  const Ino dir = c.lookup(root, dir_name);
  if (dir == no_ino) return c.answer();
  const bool missing = c.unlink(dir, name_of(key)) == ENOENT;
  if (p.sync_before_rmdir) {
    if (!missing || p.sync_missing) c.sync_dir(dir);
    c.answer();
    if (!missing) c.rmdir(root, dir_name);
    return;
  }
  const bool gone = c.rmdir(root, dir_name) == 0;
  c.sync_dir(gone ? root : dir);
  c.answer();
}

int read(Context& c, int key) {
  const Ino dir = c.lookup(root, dir_name);
  if (dir == no_ino) return 0;
  const Ino file = c.lookup(dir, name_of(key));
  return file == no_ino ? 0 : c.read(file, 0);
}

Scenario with(const Protocol& p, bool exists) {
  Scenario s;
  s.before([p, exists](Context& c) {
    if (exists) put(c, p, 0, 1);
  });
  s.reader(2, [](Context& c, int key) { return read(c, key); });
  return s;
}

Report put_during_delete(const Protocol& p, bool read_too = false) {
  Scenario s = with(p, true);
  s.actor([p](Context& c) { put(c, p, 1, 2); });
  s.actor([p](Context& c) { remove(c, p, 0); });
  if (read_too) {
    s.actor([](Context& c) {
      c.begin(OpKind::read, 1);
      c.answer_read(read(c, 1));
    });
  }
  return explore(s);
}

Report two_puts(const Protocol& p, bool delete_too) {
  Scenario s = with(p, false);
  s.actor([p](Context& c) { put(c, p, 0, 2); });
  s.actor([p](Context& c) { put(c, p, 1, 3); });
  if (delete_too) s.actor([p](Context& c) { remove(c, p, 0); });
  return explore(s);
}

// A put that makes the directory known, a delete that removes it, a put again.
Report put_delete_put(const Protocol& p) {
  Scenario s = with(p, true);
  s.actor([p](Context& c) { put(c, p, 0, 2); });
  s.actor([p](Context& c) {
    remove(c, p, 0);
    put(c, p, 1, 3);
  });
  return explore(s);
}

Report two_deletes(const Protocol& p) {
  Scenario s = with(p, true);
  s.actor([p](Context& c) { remove(c, p, 0); });
  s.actor([p](Context& c) { remove(c, p, 0); });
  return explore(s);
}

void check_holds(const Report& report) {
  INFO(report.what);
  CHECK_FALSE(report.violated);
  CHECK(report.ends > 10);
}

}  // namespace

TEST_CASE("parents: puts and deletes race, with and without a memory of synced directories") {
  using Memory = Protocol::Memory;
  for (const Memory memory : {Memory::none, Memory::by_inode}) {
    const Protocol p{.memory = memory};
    check_holds(put_during_delete(p));
    check_holds(two_puts(p, false));
    check_holds(put_delete_put(p));
    check_holds(two_deletes(p));
  }
  check_holds(put_during_delete({}, true));
  check_holds(two_puts({.memory = Memory::by_inode}, true));
}

TEST_CASE("parents: each broken variant is caught") {
  using Memory = Protocol::Memory;
  CHECK(put_during_delete({.retry = false}).violated);
  CHECK(two_puts({.sync_ancestors = false}, false).violated);
  CHECK(put_delete_put({.memory = Memory::by_path}).violated);
  CHECK(two_deletes({.sync_before_rmdir = false}).violated);
  CHECK(two_deletes({.sync_missing = false}).violated);
}

}  // namespace millrace::explorer
