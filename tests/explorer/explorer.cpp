// The search: depth first over copied states, each state once (by a 128-bit hash).
#include "tests/explorer/explorer.h"

#include <xxhash.h>

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <unordered_set>

namespace millrace::explorer {
namespace {

static_assert(std::has_unique_object_representations_v<World>, "worlds are hashed as bytes");
static_assert(std::has_unique_object_representations_v<Log>);

constexpr std::uint32_t no_trace = UINT32_MAX;
constexpr int power_cut = -1;
constexpr int death = -2;

struct State {
  World world;
  std::array<Log, actors_max> logs{};  // of the recovery, the first
  std::uint8_t finished = 0;           // bits of actors that are done or dead
  std::uint8_t cuts = 0;
  std::uint8_t deaths = 0;
  std::uint8_t recovering = 0;
  std::uint32_t trace = no_trace;  // last, and not hashed
};

static_assert(offsetof(State, trace) == sizeof(World) + actors_max * sizeof(Log) + 4);

struct TraceStep {
  std::uint32_t before;
  int actor;
  const char* label;
  int result;
};

struct Hash {
  std::uint64_t low;
  std::uint64_t high;
  bool operator==(const Hash&) const = default;
};
struct HashOfHash {
  std::size_t operator()(const Hash& hash) const { return hash.low; }
};
using Seen = std::unordered_set<Hash, HashOfHash>;

Hash hash_of(const void* bytes, std::size_t count) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, count);
  return {hash.low64, hash.high64};
}

enum class Advanced { stepped, finished, blocked };

Advanced advance(const Scenario::Program& program, World& world, Log& log, int actor, int argument,
                 const char*& label, int* result = nullptr) {
  Context context(world, log, actor);
  Advanced advanced = Advanced::finished;
  try {
    const int returned = program.run(context, argument);
    if (result != nullptr) *result = returned;
  } catch (const Context::Pause&) {
    advanced = Advanced::stepped;
  } catch (const Context::Blocked&) {
    advanced = Advanced::blocked;
  }
  label = context.label();
  return advanced;
}

// Whether some order of a key's ops explains their answers.
class Orders {
 public:
  Orders(const World& world, int key) : world_(world) {
    for (int i = 0; i < ops_max; ++i) {
      const Op& op = world.ops[i];
      if (op.state == OpState::unused || op.state == OpState::dropped || op.key != key) continue;
      all_ |= 1U << i;
    }
  }
  bool explain() const { return explain(0, 0); }

 private:
  bool explain(unsigned placed, int value) const {
    if (placed == all_) return true;
    for (int i = 0; i < ops_max; ++i) {
      if ((all_ >> i & 1U) == 0 || (placed >> i & 1U) != 0) continue;
      const Op& op = world_.ops[i];
      if ((op.preceded & all_ & ~placed) != 0) continue;
      const unsigned now = placed | 1U << i;
      const bool unanswered = op.state == OpState::maybe || op.state == OpState::open;
      if (unanswered && explain(now, value)) return true;  // it never took effect
      int after = value;
      if (effect(op, after) && explain(now, after)) return true;
    }
    return false;
  }

  // False if the op can't have been answered so where the value was this.
  static bool effect(const Op& op, int& value) {
    const bool refused = op.state == OpState::refused;
    switch (op.kind) {
      case OpKind::read: return op.value == value;
      case OpKind::put_if_none:
        if ((value != 0) != refused) return false;
        break;
      case OpKind::put_if_match:
        if ((value != op.expected) != refused) return false;
        break;
      case OpKind::put: break;
      case OpKind::remove: value = 0; return true;
    }
    if (!refused) value = op.value;
    return true;
  }

  const World& world_;
  unsigned all_ = 0;
};

class Search {
 public:
  explicit Search(const Scenario& scenario) : scenario_(scenario) {}

  Report run() {
    State first{};
    set_up(first.world);
    push(first);
    while (!stack_.empty() && !report_.violated) {
      const State state = stack_.back();
      stack_.pop_back();
      expand(state);
    }
    return report_;
  }

 private:
  void set_up(World& world) {
    if (scenario_.setup == nullptr) return;
    run_alone(*scenario_.setup, world, setup_actor, 0);
    for (int ino = 1; ino < inodes_max; ++ino) world.tree.sync_dir(static_cast<Ino>(ino));
    world.vars = {};
    world.known = {};
  }

  int run_alone(const Scenario::Program& program, World& world, int actor, int argument) {
    Log log;
    const char* label = nullptr;
    int result = 0;
    while (true) {
      const Advanced advanced = advance(program, world, log, actor, argument, label, &result);
      if (advanced == Advanced::blocked) std::abort();
      if (advanced == Advanced::finished) return result;
    }
  }

  void push(const State& state) {
    if (!seen_.insert(hash_of(&state, offsetof(State, trace))).second) return;
    ++report_.states;
    stack_.push_back(state);
  }

  std::uint32_t trace(std::uint32_t before, int actor, const char* label, int result) {
    traces_.push_back({before, actor, label, result});
    return static_cast<std::uint32_t>(traces_.size() - 1);
  }

  void expand(const State& state) {
    if (state.cuts < scenario_.cuts_max) cut_power(state);
    const int actors = state.recovering != 0 ? 1 : static_cast<int>(scenario_.actors.size());
    bool waits = false;
    bool moved = false;
    for (int a = 0; a < actors && !report_.violated; ++a) {
      if ((state.finished >> a & 1U) != 0) continue;
      waits = true;
      moved = step(state, a) || moved;
      if (state.recovering == 0) kill(state, a);
    }
    if (!waits) return check_end(state);
    if (!moved) violation(state, "deadlock: nobody can take a step");
  }

  bool step(const State& state, int a) {
    const Scenario::Program& program =
        state.recovering != 0 ? *scenario_.recovery : *scenario_.actors[a];
    State next = state;
    const char* label = nullptr;
    const int actor = state.recovering != 0 ? recovery_actor + state.cuts - 1 : a;
    const Advanced advanced = advance(program, next.world, next.logs[a], actor, 0, label);
    if (advanced == Advanced::blocked) return false;
    const Log& log = next.logs[a];
    next.trace = trace(state.trace, actor, label, log.size == 0 ? 0 : log.results[log.size - 1]);
    if (advanced == Advanced::finished) {
      next.finished = static_cast<std::uint8_t>(next.finished | 1U << a);
      next.logs[a] = Log{};
    }
    push(next);
    return true;
  }

  void kill(const State& state, int a) {
    if (state.deaths >= scenario_.deaths_max || state.logs[a].size == 0) return;
    State next = state;
    ++next.deaths;
    next.finished = static_cast<std::uint8_t>(next.finished | 1U << a);
    next.logs[a] = Log{};
    for (auto& owner : next.world.lock_owner) {
      if (owner == a) owner = -1;
    }
    next.trace = trace(state.trace, a, "dies", death);
    push(next);
  }

  void cut_power(const State& state) {
    if (!cut_seen_.insert(hash_of(&state.world, sizeof state.world)).second) return;
    const std::uint32_t subsets = 1U << state.world.tree.pending();
    for (std::uint32_t kept = 0; kept < subsets && !report_.violated; ++kept) {
      if (!scenario_.any_subset && !state.world.tree.in_order(kept)) continue;
      State next{};
      next.world.tree = state.world.tree.after_power_cut(kept);
      next.world.ops = state.world.ops;
      next.world.ghosts = state.world.ghosts;
      for (Op& op : next.world.ops) {
        const bool binds_nobody = op.kind == OpKind::read || op.state == OpState::refused;
        if (op.state != OpState::unused && binds_nobody) op = Op{.state = OpState::dropped};
        if (op.state == OpState::open) op.state = OpState::maybe;
      }
      next.cuts = static_cast<std::uint8_t>(state.cuts + 1);
      next.deaths = state.deaths;
      next.recovering = 1;
      next.finished = scenario_.recovery == nullptr ? 1 : 0;
      next.trace = trace(state.trace, power_cut, "power cut, kept", static_cast<int>(kept));
      push(next);
    }
  }

  void check_end(const State& state) {
    ++report_.ends;
    World world = state.world;
    std::uint16_t before = 0;
    for (int i = 0; i < ops_max; ++i) {
      if (world.ops[i].state != OpState::unused)
        before = static_cast<std::uint16_t>(before | 1U << i);
    }
    for (int key = 0; key < scenario_.keys; ++key) {
      const int value = run_alone(*scenario_.read, world, recovery_actor, key);
      world.ops[2 * recovery_actor + key] = Op{.key = static_cast<std::uint8_t>(key),
                                               .kind = OpKind::read,
                                               .state = OpState::done,
                                               .value = static_cast<std::int8_t>(value),
                                               .preceded = before};
      if (!Orders(world, key).explain()) {
        violation(state, "no order explains the answers; the last read of key " +
                             std::to_string(key) + " gave " + std::to_string(value));
        return;
      }
    }
  }

  void violation(const State& state, const std::string& what) {
    report_.violated = true;
    std::string steps;
    for (std::uint32_t at = state.trace; at != no_trace; at = traces_[at].before) {
      const TraceStep& step = traces_[at];
      steps = "\n  " + (step.actor < 0 ? std::string("*") : std::to_string(step.actor)) + ": " +
              step.label + " -> " + std::to_string(step.result) + steps;
    }
    report_.what = what + steps;
  }

  const Scenario& scenario_;
  std::vector<State> stack_;
  std::vector<TraceStep> traces_;
  Seen seen_;
  Seen cut_seen_;
  Report report_;
};

}  // namespace

Report explore(const Scenario& scenario) {
  return Search(scenario).run();
}

bool Context::replay() {
  if (at_ < log_.size) {
    begins_ = false;
    return true;
  }
  if (stepped_) throw Pause{};
  if (log_.size == steps_max) std::abort();
  return false;
}

void Context::record(const char* label, int result) {
  if (result == blocked) throw Blocked{};
  if (begins_) {
    for (int i = 0; i < ops_max; ++i) {
      const OpState state = world_.ops[i].state;
      if (state == OpState::done || state == OpState::refused) {
        next_.preceded = static_cast<std::uint16_t>(next_.preceded | 1U << i);
      }
    }
    world_.ops[op_] = next_;
    begins_ = false;
  }
  log_.results[log_.size++] = static_cast<std::int8_t>(result);
  ++at_;
  stepped_ = true;
  label_ = label;
}

Ino Context::fresh() {
  if (fresh_ == inodes_per_actor) std::abort();
  return static_cast<Ino>(4 + actor_ * inodes_per_actor + fresh_++);
}

int Context::make_dir(Ino dir, Name name) {
  const Ino spare = fresh();
  const int made = mkdir(spare, dir, name);
  if (made != 0) --fresh_;
  return made;
}

int Context::open(Ino dir, Name name) {
  return step("open", [&](World& w) {
    const Ino ino = w.tree.lookup(dir, name);
    return w.tree.kind(ino) == Kind::directory ? -ino : ino;
  });
}

void Context::lock(int which) {
  step("lock", [&](World& w) {
    if (w.lock_owner[which] >= 0) return blocked;
    w.lock_owner[which] = static_cast<std::int8_t>(actor_);
    return 0;
  });
}

void Context::unlock(int which) {
  step("unlock", [&](World& w) {
    w.lock_owner[which] = -1;
    return 0;
  });
}

Ino Context::stage(std::int8_t value, bool sync) {
  const Ino file = fresh();
  step("stage", [&](World& w) {
    w.tree.create_file(file);
    for (int cell = 0; cell < cells_max; ++cell) w.tree.write(file, cell, value);
    if (sync) w.tree.sync_file(file);
    return 0;
  });
  return file;
}

void Context::begin(OpKind kind, int key, int value, int expected) {
  if (begun_ == 2) std::abort();
  op_ = 2 * actor_ + begun_++;
  next_ = Op{.key = static_cast<std::uint8_t>(key),
             .kind = kind,
             .state = OpState::open,
             .value = static_cast<std::int8_t>(value),
             .expected = static_cast<std::int8_t>(expected)};
  begins_ = true;
}

void Context::answer(OpState state) {
  note([&](World& w) { w.ops[op_].state = state; });
}

void Context::answer_read(int value) {
  note([&](World& w) {
    w.ops[op_].value = static_cast<std::int8_t>(value);
    w.ops[op_].state = OpState::done;
  });
}

}  // namespace millrace::explorer
