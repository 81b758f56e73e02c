// On the fake ring only: every call to the kernel in turn is the last that works, as if the
// process died there; then another process goes on. Whatever was acknowledged must be true, and
// repeating Complete must succeed. Also each call in turn fails alone.
#include "tests/fake/ring_fake.h"
#include "tests/s3/store/uploads/upload_driver.h"

#include <doctest/doctest.h>

namespace millrace::tests {
namespace {

const std::vector<PartContent> parts{{.number = 1}, {.number = 2, .size = 70'000}};

struct Attempt {
  std::optional<st::UploadId> id;
  std::array<bool, 3> acknowledged{};
  bool completed = false;
};

// Which of the two parts comes first, and whether part 1 is sent twice.
struct Shape {
  bool last_first = false;
  bool resent = false;
  bool persistent = true;
  st::Durability durability = st::Durability::strict;
};

Task<> attempt(st::Store& store, const Shape& shape, Attempt& out) {
  st::MetadataView object;
  object.content_type = "video/mp4";
  const auto id = co_await st::create_upload(store, "bucket", {.key = "k", .object = &object});
  if (!id) co_return;
  out.id = *id;
  std::vector<PartContent> order = parts;
  if (shape.last_first) std::swap(order[0], order[1]);
  if (shape.resent) order.push_back(parts[0]);
  for (const PartContent& part : order) {
    st::PartWriter writer(store);
    if (!co_await writer.begin("bucket", "k", id->view(), part.number, part.size)) co_return;
    const std::string head = part.head();
    const std::string tail = part.tail();
    bool written = (co_await writer.write(bytes_of(tail), part.size - tail.size())).has_value();
    written = (co_await writer.write(bytes_of(head), 0)).has_value() && written;
    const bool finished = written && (co_await finish(writer, part)).has_value();
    co_await writer.abandon();
    if (!finished) co_return;
    out.acknowledged[part.number] = true;
  }
  out.completed = (co_await complete(store, *id, "k", parts)).has_value();
}

Task<> recover(Bucket& bucket, st::Store& store, const Attempt& before) {
  if (before.completed) co_await check_object(store, "k", parts);
  if (before.id) {
    // The client goes on: it sends what was not acknowledged, and completes.
    for (const PartContent& part : parts) {
      if (!before.acknowledged[part.number]) co_await put_part(store, *before.id, "k", part);
    }
    const auto done = co_await complete(store, *before.id, "k", parts);
    // Done and acknowledged, but its memory could not be written.
    const bool forgotten =
        !done && before.completed && done.error().failure == UploadFailure::no_such_upload;
    CHECK((done || forgotten));
    co_await check_object(store, "k", parts);
  }
  CHECK(co_await st::sweep_uploads(store, "bucket", {}));
  if (before.id) {
    CHECK(bucket.status("k").st_nlink == 1);
    CHECK(bucket.leftovers() == 0);
  } else {
    // Perhaps an upload that was made, and whose id its client never learnt.
    CHECK(bucket.leftovers() <= 1);
  }
}

// False when the plan's failure was never reached.
bool die_at(std::uint64_t nth, const Shape& shape) {
  Bucket bucket(shape.durability);
  Attempt before;
  bool reached = false;
  {
    fake::Plan plan = fake::Plan::plain();
    plan.fail_nth = nth;
    plan.fail_persistently = shape.persistent;
    const fake::Scenario scenario(plan);
    TestShard test;
    st::Store store(bucket.options, bucket.locks);
    const Task<> task = attempt(store, shape, before);
    test.shard->run_until(task);
    reached = scenario.injected() > 0;
  }
  const fake::Scenario scenario(fake::Plan::plain());
  TestShard test;
  st::Store store(bucket.options, bucket.locks);
  const Task<> task = recover(bucket, store, before);
  test.shard->run_until(task);
  return reached;
}

void die_everywhere(const Shape& shape) {
  std::uint64_t nth = 1;
  for (bool reached = true; reached && nth < 1000; ++nth) {
    CAPTURE(nth);
    reached = die_at(nth, shape);
  }
  CHECK(nth > 40);
  CHECK(nth < 1000);
}

}  // namespace

TEST_CASE("an upload survives a process that dies at any call") {
  constexpr auto none = st::Durability::none;
  die_everywhere({});
  die_everywhere({.last_first = true, .durability = none});
  die_everywhere({.resent = true, .durability = none});
}

TEST_CASE("an upload survives the failure of any single call") {
  constexpr auto none = st::Durability::none;
  die_everywhere({.persistent = false, .durability = st::Durability::data});
  die_everywhere({.last_first = true, .persistent = false, .durability = none});
  die_everywhere({.resent = true, .persistent = false, .durability = none});
}

}  // namespace millrace::tests
