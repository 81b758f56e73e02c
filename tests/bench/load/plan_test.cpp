// Plans: the same seed gives the same operations, keys and sizes, whatever the server does.
#include "bench/load/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

using namespace millrace::bench;

namespace {

Settings settings_of(std::string_view mix, std::string_view size = "4KiB") {
  Settings settings;
  settings.mix = parse_mix(mix).value();
  settings.size = parse_size_rule(size).value();
  settings.objects = 100;
  return settings;
}

}  // namespace

TEST_CASE("plan: a seed's plan is the same again, and another seed's or thread's is not") {
  Settings settings = settings_of("get=80,put=20,range=10", "uniform:1KiB-64KiB");
  Plan first(settings, 0);
  Plan again(settings, 0);
  Plan other_thread(settings, 1);
  unsigned differ = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const Step a = first.next().value();
    const Step b = again.next().value();
    const Step c = other_thread.next().value();
    CHECK(a.operation == b.operation);
    CHECK(a.object == b.object);
    CHECK(a.offset == b.offset);
    CHECK(a.bytes == b.bytes);
    differ += a.object != c.object ? 1 : 0;
  }
  CHECK(differ > 900);
  const std::string digest = plan_digest(settings);
  CHECK(plan_digest(settings) == digest);
  settings.seed = 2;
  CHECK(plan_digest(settings) != digest);
}

TEST_CASE("plan: the digest is what it was: old results can be held against new ones") {
  Settings settings = settings_of("get=80,put=15,head=5", "uniform:1KiB-64KiB");
  CHECK(plan_digest(settings) == "1534cc0c1f93f51d");
}

TEST_CASE("plan: weights are kept, and ranges lie inside their objects") {
  const Settings settings = settings_of("get=70,range=30", "uniform:100-5000");
  Plan plan(settings, 0);
  std::array<unsigned, operation_count> counts{};
  for (unsigned i = 0; i < 10'000; ++i) {
    const Step step = plan.next().value();
    ++counts[static_cast<std::size_t>(step.operation)];
    CHECK(step.object < settings.objects);
    const std::uint64_t whole = object_bytes(settings, step.object);
    if (step.operation == Operation::range) {
      CHECK(step.bytes == std::min<std::uint64_t>(whole, settings.range_bytes));
      CHECK(step.offset + step.bytes <= whole);
    } else {
      CHECK(step.bytes == whole);
    }
  }
  CHECK(counts[static_cast<std::size_t>(Operation::get)] > 6700);
  CHECK(counts[static_cast<std::size_t>(Operation::get)] < 7300);
  CHECK(counts[static_cast<std::size_t>(Operation::put)] == 0);
}

TEST_CASE("plan: sizes follow their rule") {
  const Settings uniform = settings_of("get", "uniform:10-20");
  const Settings lognormal = settings_of("get", "lognormal:1000:1:50000");
  std::set<std::uint64_t> seen;
  unsigned below_median = 0;
  for (std::uint64_t object = 0; object < 10'000; ++object) {
    seen.insert(object_bytes(uniform, object));
    const std::uint64_t bytes = object_bytes(lognormal, object);
    CHECK(bytes >= 1);
    CHECK(bytes <= 50'000);
    below_median += bytes < 1000 ? 1 : 0;
  }
  CHECK(seen.size() == 11);
  CHECK(*seen.begin() == 10);
  CHECK(below_median > 4700);
  CHECK(below_median < 5300);
}

TEST_CASE("plan: what is put to be deleted is deleted once, and only when it was put") {
  const Settings settings = settings_of("put=50,delete=50");
  Plan plan(settings, 3);
  std::set<std::uint64_t> put;
  for (unsigned i = 0; i < 20'000; ++i) {
    const Step step = plan.next().value();
    CHECK(step.object >= fresh_object);
    if (step.operation == Operation::put) {
      CHECK(put.insert(step.object).second);
      plan.put_done(step.object);
    } else {
      CHECK(step.operation == Operation::remove);
      CHECK(put.erase(step.object) == 1);
    }
  }
}

TEST_CASE("plan: deletes alone take each prepared object once, over all threads, and end") {
  Settings settings = settings_of("delete");
  settings.threads = 3;
  std::set<std::uint64_t> taken;
  for (unsigned stream = 0; stream < 3; ++stream) {
    Plan plan(settings, stream);
    while (const auto step = plan.next()) CHECK(taken.insert(step->object).second);
  }
  CHECK(taken.size() == settings.objects);
}

TEST_CASE("plan: keys lie two levels deep and differ") {
  const Settings settings = settings_of("get");
  CHECK(object_key(settings, 17) == "load/01/object-00017");
  CHECK(object_key(settings, fresh_number(2, 5)) == "load/05/new-02-0000005");
}
