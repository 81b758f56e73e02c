// The inside of the fake ring: requests that wait, virtual time, and how one comes to its end.
#pragma once

#include "engine/limits.h"
#include "engine/ring.h"
#include "engine/workers.h"
#include "tests/fake/actions.h"

#include <memory>
#include <mutex>
#include <vector>

namespace millrace::engine {

struct Ring::State {
  struct Entry {
    Completion* completion;
    Request request;
    std::uint64_t due_ns;
    int fault = 0;
    std::uint32_t done = 0;
    bool waits = false;  // for its socket
    bool cancelled = false;
    bool over = false;
  };
  struct Event {
    Completion* completion;
    Outcome outcome;
  };

  explicit State(tests::fake::Scenario& scenario_in)
      : scenario(scenario_in),
        chance(scenario_in.plan.seed),
        buffers(limits::receive_buffer_bytes * scenario_in.plan.receive_buffers) {
    for (unsigned id = 0; id < scenario.plan.receive_buffers; ++id) {
      free_buffers.push_back(static_cast<std::uint16_t>(id));
    }
  }

  static constexpr std::uint64_t start_ns = 1'000'000'000'000;

  std::uint64_t now() const;
  std::uint64_t delayed() { return now() + chance.below(scenario.plan.delay_max_ns + 1); }

  std::int32_t cancel(Completion* target);
  std::int32_t send_message(const Request& request);
  void emit(Entry& entry, std::int32_t result);
  void run(Entry& entry);
  void run_multishot(Entry& entry);
  bool receive_once(Entry& entry);
  void run_cancelled(Entry& entry);
  void take_arrivals();
  void gather();
  bool look(std::uint64_t real_wait_ns);
  bool advance(std::uint64_t limit_ns);

  tests::fake::Scenario& scenario;
  tests::fake::Chance chance;
  std::uint64_t virtual_ns = start_ns;
  std::uint64_t last_event_ns = 0;
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<Event> events;
  std::vector<std::byte> buffers;
  std::vector<std::uint16_t> free_buffers;
  int wake_fd = -1;
  std::mutex inbox_mutex;
  std::vector<Event> inbox;
  std::unique_ptr<Workers> workers;
  std::vector<Workers::Finished> finished;
  unsigned calls_away = 0;
  bool woken = false;
};

}  // namespace millrace::engine
