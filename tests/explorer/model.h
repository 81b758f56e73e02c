// A model of a POSIX directory tree, small enough to copy and hash at each step
// of an exploration: names to inodes, link counts, the errors a protocol can
// meet, and what a power cut may take. Test code; owned by one explorer.
// Invariant: every change of names is a group in pending until a directory that
// it touched is synced; groups are atomic (a journal's transaction), and a power
// cut may keep any subset of them, by default one that has each name's changes in
// their order.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

namespace millrace::explorer {

using Ino = std::uint8_t;   // 0: none
using Name = std::uint8_t;  // an index below names_max
inline constexpr Ino no_ino = 0;
inline constexpr Ino root = 1;
inline constexpr Ino staging = 2;  // on the bucket's filesystem, made and synced at its creation
inline constexpr Ino moving = 3;
inline constexpr int actors_max = 4;
inline constexpr int inodes_per_actor = 6;
inline constexpr int inodes_max = 4 + inodes_per_actor * (actors_max + 3);
inline constexpr int names_max = 10;
inline constexpr int cells_max = 3;  // of a file's content
inline constexpr int groups_max = 24;
inline constexpr std::int8_t torn = 99;  // content that was never synced, after a power cut

enum class Kind : std::uint8_t { none, file, directory };

struct Node {
  Kind kind = Kind::none;
  bool dead = false;  // a directory that was removed: no name can be made in it
  std::array<std::int8_t, cells_max> cells{};
  std::array<bool, cells_max> synced{};
};

struct Atom {
  Ino dir = no_ino;
  Name name = 0;
  Ino to = no_ino;
};

struct Group {
  std::uint8_t atoms = 0;
  std::array<Atom, 2> atom{};
};

class Tree {
 public:
  Tree();

  // All return 0 or a positive errno unless said otherwise.
  Ino lookup(Ino dir, Name name) const { return entries_[dir][name]; }
  Kind kind(Ino ino) const { return nodes_[ino].kind; }
  bool empty(Ino dir) const { return entries_[dir] == Entries{}; }
  int link(Ino file, Ino dir, Name name);
  int unlink(Ino dir, Name name);
  int mkdir(Ino fresh, Ino dir, Name name);
  int rmdir(Ino dir, Name name);
  int rename(Ino from_dir, Name from, Ino to_dir, Name to);
  int exchange(Ino one_dir, Name one, Ino two_dir, Name two);

  void create_file(Ino fresh);  // O_TMPFILE: no name
  void write(Ino file, int cell, std::int8_t value);
  std::int8_t read(Ino file, int cell) const { return nodes_[file].cells[cell]; }
  void sync_file(Ino file) { nodes_[file].synced.fill(true); }
  void sync_dir(Ino dir);

  int pending() const { return groups_; }
  // Whether each name's kept changes are all of its changes up to some moment.
  bool in_order(std::uint32_t kept) const;
  // The tree after a power cut in which the pending groups in kept survived.
  Tree after_power_cut(std::uint32_t kept) const;

  bool operator==(const Tree&) const = default;

 private:
  using Entries = std::array<Ino, names_max>;
  void push(const Group& group);
  bool meet(int one, int other) const;  // whether two pending groups change one name

  std::array<Node, inodes_max> nodes_{};
  std::array<Entries, inodes_max> entries_{};
  std::array<Entries, inodes_max> durable_{};
  std::array<Group, groups_max> pending_{};
  int groups_ = 0;
};

}  // namespace millrace::explorer
