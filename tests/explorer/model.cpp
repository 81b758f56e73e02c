// The model's operations: errors as Linux gives them, durability as a journaling
// filesystem gives it at its weakest.
#include "tests/explorer/model.h"

#include <cstdlib>

namespace millrace::explorer {

Tree::Tree() {
  for (const Ino ino : {root, staging, moving}) nodes_[ino].kind = Kind::directory;
}

void Tree::push(const Group& group) {
  if (groups_ == groups_max) std::abort();
  for (int i = 0; i < group.atoms; ++i) {
    entries_[group.atom[i].dir][group.atom[i].name] = group.atom[i].to;
  }
  pending_[groups_++] = group;
}

int Tree::link(Ino file, Ino dir, Name name) {
  if (nodes_[dir].dead) return ENOENT;
  if (entries_[dir][name] != no_ino) return EEXIST;
  push({1, {Atom{dir, name, file}}});
  return 0;
}

int Tree::unlink(Ino dir, Name name) {
  const Ino ino = entries_[dir][name];
  if (ino == no_ino) return ENOENT;
  if (nodes_[ino].kind == Kind::directory) return EISDIR;
  push({1, {Atom{dir, name, no_ino}}});
  return 0;
}

int Tree::mkdir(Ino fresh, Ino dir, Name name) {
  if (nodes_[dir].dead) return ENOENT;
  if (entries_[dir][name] != no_ino) return EEXIST;
  nodes_[fresh].kind = Kind::directory;
  push({1, {Atom{dir, name, fresh}}});
  return 0;
}

int Tree::rmdir(Ino dir, Name name) {
  const Ino ino = entries_[dir][name];
  if (ino == no_ino) return ENOENT;
  if (nodes_[ino].kind != Kind::directory) return ENOTDIR;
  if (!empty(ino)) return ENOTEMPTY;
  nodes_[ino].dead = true;
  push({1, {Atom{dir, name, no_ino}}});
  return 0;
}

int Tree::rename(Ino from_dir, Name from, Ino to_dir, Name to) {
  const Ino source = entries_[from_dir][from];
  const Ino target = entries_[to_dir][to];
  if (source == no_ino || nodes_[to_dir].dead) return ENOENT;
  if (source == target) return 0;  // POSIX: two links to one file both stay
  if (target != no_ino) {
    const bool from_directory = nodes_[source].kind == Kind::directory;
    const bool to_directory = nodes_[target].kind == Kind::directory;
    if (!from_directory && to_directory) return EISDIR;
    if (from_directory && !to_directory) return ENOTDIR;
    if (to_directory && !empty(target)) return ENOTEMPTY;
    if (to_directory) nodes_[target].dead = true;
  }
  push({2, {Atom{from_dir, from, no_ino}, Atom{to_dir, to, source}}});
  return 0;
}

int Tree::exchange(Ino one_dir, Name one, Ino two_dir, Name two) {
  const Ino first = entries_[one_dir][one];
  const Ino second = entries_[two_dir][two];
  if (first == no_ino || second == no_ino) return ENOENT;
  push({2, {Atom{one_dir, one, second}, Atom{two_dir, two, first}}});
  return 0;
}

void Tree::create_file(Ino fresh) {
  nodes_[fresh].kind = Kind::file;
  nodes_[fresh].synced.fill(true);
}

void Tree::write(Ino file, int cell, std::int8_t value) {
  nodes_[file].cells[cell] = value;
  nodes_[file].synced[cell] = false;
}

bool Tree::meet(int one, int other) const {
  for (int i = 0; i < pending_[one].atoms; ++i) {
    for (int j = 0; j < pending_[other].atoms; ++j) {
      const Atom& a = pending_[one].atom[i];
      const Atom& b = pending_[other].atom[j];
      if (a.dir == b.dir && a.name == b.name) return true;
    }
  }
  return false;
}

bool Tree::in_order(std::uint32_t kept) const {
  for (int earlier = 0; earlier < groups_; ++earlier) {
    if ((kept >> earlier & 1U) != 0) continue;
    for (int later = earlier + 1; later < groups_; ++later) {
      if ((kept >> later & 1U) != 0 && meet(earlier, later)) return false;
    }
  }
  return true;
}

// Commits each group that touched dir, and each earlier group that touched a
// name of one committed: otherwise an older value could come back over a newer.
void Tree::sync_dir(Ino dir) {
  std::array<bool, groups_max> wanted{};
  for (int g = groups_ - 1; g >= 0; --g) {
    for (int i = 0; i < pending_[g].atoms; ++i) {
      if (pending_[g].atom[i].dir == dir) wanted[g] = true;
    }
    for (int later = g + 1; later < groups_ && !wanted[g]; ++later) {
      wanted[g] = wanted[later] && meet(g, later);
    }
  }
  int kept = 0;
  for (int g = 0; g < groups_; ++g) {
    if (!wanted[g]) {
      pending_[kept++] = pending_[g];
      continue;
    }
    for (int i = 0; i < pending_[g].atoms; ++i) {
      durable_[pending_[g].atom[i].dir][pending_[g].atom[i].name] = pending_[g].atom[i].to;
    }
  }
  for (int g = kept; g < groups_; ++g) pending_[g] = Group{};
  groups_ = kept;
}

Tree Tree::after_power_cut(std::uint32_t kept) const {
  Tree after = *this;
  after.entries_ = durable_;
  after.groups_ = 0;
  after.pending_ = {};
  for (int g = 0; g < groups_; ++g) {
    if ((kept >> g & 1U) == 0) continue;
    for (int i = 0; i < pending_[g].atoms; ++i) {
      after.entries_[pending_[g].atom[i].dir][pending_[g].atom[i].name] = pending_[g].atom[i].to;
    }
  }
  after.durable_ = after.entries_;
  for (Node& node : after.nodes_) {
    node.dead = node.kind == Kind::directory;
    for (int cell = 0; cell < cells_max; ++cell) {
      if (!node.synced[cell] && node.kind == Kind::file) node.cells[cell] = torn;
      node.synced[cell] = node.kind == Kind::file;
    }
  }
  for (const Ino ino : {root, staging, moving}) after.nodes_[ino].dead = false;
  for (const Entries& names : after.entries_) {
    for (const Ino ino : names) {
      if (ino != no_ino) after.nodes_[ino].dead = false;
    }
  }
  return after;
}

}  // namespace millrace::explorer
