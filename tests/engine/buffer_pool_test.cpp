// Budgets: taking, waiting in order, giving back.
#include "engine/buffer_pool.h"

#include "engine/group.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace millrace::engine;

namespace {

Task<> take(BufferPool& pool, unsigned who, std::vector<unsigned>& order, Buffer& into) {
  into = co_await pool.acquire();
  order.push_back(who);
}

}  // namespace

TEST_CASE("buffers are aligned, of the promised size, and counted") {
  ReadyQueue ready;
  BufferPool pool(8192, 2, ready);
  {
    const Buffer first = pool.try_acquire();
    Buffer second = pool.try_acquire();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(reinterpret_cast<std::uintptr_t>(first.data()) % 4096 == 0);
    CHECK(second.bytes().size() == 8192);
    CHECK(pool.in_use() == 2);
    CHECK_FALSE(pool.try_acquire());
    second.reset();
    second.reset();
    CHECK(second.size() == 0);
    CHECK(pool.in_use() == 1);
    CHECK(pool.try_acquire());
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("memory that was given back is used again") {
  ReadyQueue ready;
  BufferPool pool(4096, 8, ready);
  const std::byte* before = pool.try_acquire().data();
  CHECK(pool.try_acquire().data() == before);
}

TEST_CASE("moving a buffer moves what it owns") {
  ReadyQueue ready;
  BufferPool pool(4096, 2, ready);
  Buffer first = pool.try_acquire();
  Buffer second = pool.try_acquire();
  const std::byte* kept = second.data();
  first = std::move(second);
  CHECK(pool.in_use() == 1);
  CHECK(first.data() == kept);
  CHECK_FALSE(second);
  first = Buffer();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("waiters get buffers in the order they came, through the ready queue only") {
  ReadyQueue ready;
  BufferPool pool(4096, 1, ready);
  Buffer held = pool.try_acquire();
  std::vector<unsigned> order;
  std::vector<Buffer> got(3);
  TaskGroup group;
  for (unsigned who = 0; who < 3; ++who) group.adopt(take(pool, who, order, got[who]));
  CHECK(pool.waiting() == 3);
  CHECK(order.empty());

  held.reset();
  CHECK(order.empty());             // never from inside the release
  CHECK_FALSE(pool.try_acquire());  // handed over: nobody overtakes
  ready.run();
  CHECK(order == std::vector<unsigned>{0});
  got[0].reset();
  ready.run();
  got[1].reset();
  ready.run();
  CHECK(order == std::vector<unsigned>{0, 1, 2});
  CHECK(pool.waiting() == 0);
  got[2].reset();
  CHECK(pool.in_use() == 0);
}
