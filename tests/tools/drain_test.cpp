// The steps of a drain, as a table.
#include "tools/drain.h"

#include <doctest/doctest.h>

using namespace millrace::tools;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Row {
  const char* what;
  bool clustered;
  std::optional<seconds> notice;
  seconds deadline;
  milliseconds not_ready;
  milliseconds notice_end;
  milliseconds closing_end;
};

const Row rows[] = {
    {"by hand", false, {}, seconds(25), {}, {}, {}},
    {"by hand, with a notice", false, seconds(3), seconds(25), {}, seconds(3), seconds(4)},
    {"a container", true, {}, seconds(25), {}, seconds(5), seconds(6)},
    {"a container with much time", true, {}, seconds(600), {}, seconds(5), seconds(6)},
    {"a container in a hurry", true, {}, seconds(1), {}, milliseconds(200), milliseconds(400)},
    {"a container that ends at once", true, {}, seconds(0), {}, {}, {}},
    {"no notice, in words", true, seconds(0), seconds(25), {}, {}, {}},
    {"not ready for two seconds", true, {}, seconds(25), seconds(2), seconds(3), seconds(4)},
    {"not ready for an hour", true, {}, seconds(25), seconds(3600), {}, seconds(1)},
    {"not ready, by hand", false, {}, seconds(25), seconds(3600), {}, {}},
    {"all but the deadline", false, seconds(24), seconds(25), {}, seconds(24), seconds(25)},
};

}  // namespace

TEST_CASE("drain: when each step ends") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    ServeOptions options;
    options.drain_notice = row.notice;
    options.drain_deadline = row.deadline;
    const DrainPlan plan = plan_drain(options, row.clustered, row.not_ready);
    CHECK(plan.notice_end == row.notice_end);
    CHECK(plan.closing_end == row.closing_end);
    CHECK(plan.deadline == row.deadline);
  }
}
