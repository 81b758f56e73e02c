// Explores every interleaving of a few actors over the model, with power cuts,
// deaths of single nodes and recovery, and checks each end: what was acknowledged
// must have an order that explains all answers (linearizability), also across a
// power cut (then reads and refusals from before it bind nobody: they
// acknowledge nothing). Test code, one thread.
// An actor is a plain function of a Context: each call on it is one atomic step.
// The function is run anew for each step with the earlier results replayed, so it
// must depend on nothing else; its local variables need no copying or hashing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/explorer/model.h"

namespace millrace::explorer {

inline constexpr int ops_max = 2 * (actors_max + 2);  // two for each actor, in fixed places
inline constexpr int locks_max = 2;
inline constexpr int vars_max = 8;
inline constexpr int steps_max = 62;
inline constexpr int setup_actor = actors_max;
inline constexpr int recovery_actor = actors_max + 1;  // after a second cut, one more

enum class OpKind : std::uint8_t { read, put, put_if_none, put_if_match, remove };
enum class OpState : std::uint8_t { unused, open, done, refused, maybe, dropped };

// A request as its client sees it. value: what a put writes, what a read gave (0:
// not found); expected: If-Match's.
struct Op {
  std::uint8_t key = 0;
  OpKind kind = OpKind::read;
  OpState state = OpState::unused;
  std::int8_t value = 0;
  std::int8_t expected = 0;
  std::uint8_t unused[3] = {};
  std::uint16_t preceded = 0;  // bits of the ops that were answered before this began
};

struct World {
  Tree tree;
  std::array<Op, ops_max> ops{};
  std::array<std::int8_t, locks_max> lock_owner{-1, -1};
  std::array<std::int8_t, vars_max> vars{};    // a node's memory; a power cut clears it
  std::array<std::int8_t, vars_max> ghosts{};  // what clients know; nothing clears it
  std::array<bool, inodes_max> known{};        // directories known synced; cleared likewise
};

struct Log {
  std::array<std::int8_t, steps_max> results{};
  std::uint8_t size = 0;
};

class Context {
 public:
  static constexpr int blocked = -100;  // what a step returns to wait

  Context(World& world, Log& log, int actor) : world_(world), log_(log), actor_(actor) {}

  // One atomic step: f(World&) -> int within a byte.
  template <class F>
  int step(const char* label, F&& f) {
    if (replay()) return log_.results[at_++];
    const int result = f(world_);
    record(label, result);
    return result;
  }
  // Code that belongs to the step before it; not run again in a replay.
  template <class F>
  void note(F&& f) {
    if (stepped_) f(world_);
  }

  Ino fresh();  // an unused inode
  // mkdir that uses up an inode only when it succeeds, for loops.
  int make_dir(Ino dir, Name name);
  Name temp() const { return static_cast<Name>(names_max - 1 - actor_); }
  int actor() const { return actor_; }

  Ino lookup(Ino dir, Name name) {
    return static_cast<Ino>(step("lookup", [&](World& w) { return w.tree.lookup(dir, name); }));
  }
  // 0: none, else the inode, negative for a directory.
  int open(Ino dir, Name name);
  int link(Ino file, Ino dir, Name name) {
    return step("link", [&](World& w) { return w.tree.link(file, dir, name); });
  }
  int unlink(Ino dir, Name name) {
    return step("unlink", [&](World& w) { return w.tree.unlink(dir, name); });
  }
  int mkdir(Ino ino, Ino dir, Name name) {
    return step("mkdir", [&](World& w) { return w.tree.mkdir(ino, dir, name); });
  }
  int rmdir(Ino dir, Name name) {
    return step("rmdir", [&](World& w) { return w.tree.rmdir(dir, name); });
  }
  int rename(Ino from, Name a, Ino to, Name b) {
    return step("rename", [&](World& w) { return w.tree.rename(from, a, to, b); });
  }
  int exchange(Ino from, Name a, Ino to, Name b) {
    return step("exchange", [&](World& w) { return w.tree.exchange(from, a, to, b); });
  }
  void sync_dir(Ino dir) {
    step("fsync dir", [&](World& w) {
      w.tree.sync_dir(dir);
      return 0;
    });
  }
  int read(Ino file, int cell) {
    return step("read", [&](World& w) { return w.tree.read(file, cell); });
  }
  void lock(int which);
  void unlock(int which);
  // Creates, writes (all cells the same) and, if asked, syncs a file without a
  // name: one step, since nobody can see what is between.
  Ino stage(std::int8_t value, bool sync);

  // A request begins with the actor's next step and is answered with its last.
  void begin(OpKind kind, int key, int value = 0, int expected = 0);
  void answer(OpState state = OpState::done);
  void answer_read(int value);

  bool stepped() const { return stepped_; }
  const char* label() const { return label_; }
  struct Pause {};
  struct Blocked {};

 private:
  bool replay();
  void record(const char* label, int result);

  World& world_;
  Log& log_;
  int actor_;
  int at_ = 0;
  int fresh_ = 0;
  int op_ = -1;
  int begun_ = 0;
  Op next_{};
  bool begins_ = false;
  bool stepped_ = false;
  const char* label_ = "";
};

class Scenario {
 public:
  struct Program {
    virtual ~Program() = default;
    virtual int run(Context& context, int argument) const = 0;
  };
  template <class F>
  static std::unique_ptr<Program> program(F f) {
    struct Of final : Program {
      explicit Of(F given) : f_(std::move(given)) {}
      int run(Context& context, int argument) const override { return f_(context, argument); }
      F f_;
    };
    return std::make_unique<Of>(std::move(f));
  }
  template <class F>
  Scenario& actor(F f) {
    actors.push_back(program([f](Context& c, int) {
      f(c);
      return 0;
    }));
    return *this;
  }
  // Run first, alone; then everything is synced.
  template <class F>
  Scenario& before(F f) {
    setup = program([f](Context& c, int) {
      f(c);
      return 0;
    });
    return *this;
  }
  // Run after each power cut, which may hit it again.
  template <class F>
  Scenario& after_cut(F f) {
    recovery = program([f](Context& c, int) {
      f(c);
      return 0;
    });
    return *this;
  }
  // f(context, key) -> value: how a GET reads, run at every end for each key.
  template <class F>
  Scenario& reader(int keys_used, F f) {
    keys = keys_used;
    read = program(f);
    return *this;
  }

  std::vector<std::unique_ptr<Program>> actors;
  std::unique_ptr<Program> setup;
  std::unique_ptr<Program> recovery;
  std::unique_ptr<Program> read;
  int keys = 1;
  int cuts_max = 1;  // power cuts in one run
  // Whether a power cut may keep a change of a name and lose an earlier one of the
  // same name: worse than any journal, perhaps not than a network filesystem.
  bool any_subset = false;
  int deaths_max = 0;  // nodes that stop for ever in one run; their locks are freed
};

struct Report {
  bool violated = false;
  std::size_t states = 0;
  std::size_t ends = 0;
  std::string what;  // of the first violation, with the steps that lead there
};

Report explore(const Scenario& scenario);

}  // namespace millrace::explorer
