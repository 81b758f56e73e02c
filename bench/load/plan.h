// What is asked for, in which order: a pure function of the settings and the number of the thread
// (over all hosts). Whichever connection is free next does the next step.
#pragma once

#include "bench/load/random.h"
#include "bench/load/settings.h"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::bench {

// Objects below `fresh_object` are those that are prepared; from there on, those that a run with
// deletes puts to delete them again: a number for each thread, then one for each of its objects.
inline constexpr std::uint64_t fresh_object = 1ULL << 62;
constexpr std::uint64_t fresh_number(unsigned stream, std::uint64_t count) {
  return fresh_object | static_cast<std::uint64_t>(stream) << 40 | count;
}

struct Step {
  Operation operation = Operation::get;
  std::uint64_t object = 0;
  std::uint64_t offset = 0;  // of a range
  std::uint64_t bytes = 0;   // of the object, of the range
};

std::uint64_t object_bytes(const Settings& settings, std::uint64_t object);
std::string object_key(const Settings& settings, std::uint64_t object);

class Plan {
 public:
  Plan(const Settings& settings, unsigned stream);

  // Nothing when a run of deletes alone has no object left.
  std::optional<Step> next();

  // A run that puts and deletes: what was put and may be deleted, oldest first. The driver calls
  // this once the PUT was answered.
  void put_done(std::uint64_t object);
  std::uint64_t fresh_count() const { return fresh_; }

 private:
  Operation choose();
  std::optional<Step> removal();
  Step fresh_put();

  const Settings& settings_;
  const unsigned stream_;
  const bool recycles_;  // puts its own objects and deletes them again
  Random random_;
  std::uint64_t weight_sum_ = 0;
  std::uint64_t fresh_ = 0;
  std::uint64_t removed_ = 0;
  std::vector<std::uint64_t> removable_;
};

// Sixteen hexadecimal digits: runs with the same ask for the same, thread by thread.
std::string plan_digest(const Settings& settings);

}  // namespace millrace::bench
