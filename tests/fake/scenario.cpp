// See ring_fake.h: plans and what they count. Thread-safe, since shards of several threads may
// share one scenario.
#include "tests/fake/ring_fake.h"

#include "engine/check.h"

namespace millrace::tests::fake {

using engine::Action;

namespace {

std::atomic<Scenario*> installed{nullptr};
std::atomic<std::uint64_t> last_id{0};

// splitmix64, for one decision out of one random number.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

std::array<bool, action_count> Plan::file_actions() {
  std::array<bool, action_count> counted{};
  for (const Action action :
       {Action::read, Action::write, Action::fsync, Action::allocate, Action::open, Action::close,
        Action::stat, Action::get_attribute, Action::set_attribute, Action::link, Action::rename,
        Action::unlink, Action::make_directory, Action::call}) {
    counted[static_cast<std::size_t>(action)] = true;
  }
  return counted;
}

Plan Plan::plain() {
  Plan plan;
  plan.short_probability = 0;
  plan.delay_max_ns = 0;
  plan.late_probability = 0;
  plan.miss_probability = 0;
  return plan;
}

Scenario::Scenario(Plan plan_in) : plan(std::move(plan_in)), id(++last_id) {
  Scenario* expected = nullptr;
  CHECK(installed.compare_exchange_strong(expected, this));
}

Scenario::~Scenario() {
  installed.store(nullptr);
}

std::uint64_t Scenario::requests(Action action) const {
  return requests_[static_cast<std::size_t>(action)].load();
}

std::vector<LogEntry> Scenario::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void Scenario::record(LogEntry entry) {
  if (!plan.log) return;
  const std::lock_guard lock(mutex_);
  log_.push_back(std::move(entry));
}

int Scenario::judge(Action action, std::uint64_t random) {
  const auto index = static_cast<std::size_t>(action);
  requests_[index].fetch_add(1);
  if (plan.counted[index]) {
    const std::uint64_t number = counted_.fetch_add(1) + 1;
    const bool hit = plan.fail_persistently ? number >= plan.fail_nth : number == plan.fail_nth;
    if (plan.fail_nth != 0 && hit) {
      note_injected();
      return plan.fail_errnum;
    }
  }
  for (const Fault& fault : plan.faults) {
    random = mix(random);
    if (fault.action != action || fault.errnums.empty()) continue;
    if (static_cast<double>(random >> 11) * 0x1.0p-53 >= fault.probability) continue;
    note_injected();
    return fault.errnums[mix(random) % fault.errnums.size()];
  }
  return 0;
}

Scenario& scenario() {
  if (Scenario* current = installed.load(); current != nullptr) return *current;
  // Stands in where a test installs none; it is never the installed one itself.
  static Scenario* const fallback = [] {
    auto* made = new Scenario(Plan{.log = false});
    installed.store(nullptr);
    return made;
  }();
  return *fallback;
}

}  // namespace millrace::tests::fake
