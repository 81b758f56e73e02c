// The steady state takes nothing from the heap: 10,000 requests on a warm shard. This program
// of its own counts every allocation of the thread while counting is on (operator new is one).
#include "http/server.h"
#include "s3/digest/md5_queue.h"

#include "tests/engine/shard_driver.h"
#include "tests/s3/service_driver.h"

#include <cstdlib>
#include <cstring>

namespace {
thread_local bool counting = false;
thread_local std::uint64_t allocations = 0;
}  // namespace

// glibc's own, under the names it keeps for those who replace malloc.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}

using namespace millrace;
using namespace millrace::tests;
using engine::Task;

namespace {

struct Served {
  int file = -1;
};

Task<> serve(void* context, http::Exchange& exchange) {
  const auto& served = *static_cast<const Served*>(context);
  if (exchange.head().has_body()) {
    std::size_t taken = 0;
    const engine::Buffer piece = co_await engine::Shard::current().body_buffers().acquire();
    while (!exchange.body().complete()) {
      const auto got = co_await exchange.body().read(piece.bytes());
      if (!got) co_return;
      taken += *got;
    }
    std::ignore = exchange.begin(200).field("X-Taken", taken);
    std::ignore = co_await exchange.send("");
    co_return;
  }
  std::ignore = exchange.begin(200).etag("0123456789abcdef");
  const std::uint64_t bytes = exchange.head().path == "/large" ? 300'000 : 4096;
  std::ignore = co_await exchange.send_file(
      {.fd = served.file, .bytes = bytes, .local = exchange.head().query.empty()});
}

// Sends one request and reads `answer_bytes` of answer into a fixed buffer.
Task<> ask(engine::Stream& stream, std::span<const std::byte> request, std::size_t least,
           std::span<std::byte> into) {
  CHECK(co_await stream.send(request));
  std::size_t got = 0;
  bool complete = false;
  while (!complete) {
    const auto more = co_await stream.readable();
    REQUIRE((more && *more));
    const auto ready = stream.available();
    const std::size_t piece = std::min(ready.size(), into.size() - got % into.size());
    std::memcpy(into.data() + got % into.size(), ready.data(), piece);
    stream.consume(piece);
    got += piece;
    complete = got >= least;
  }
}

// Bytes of the whole answer to a request, by asking once.
std::size_t answer_bytes(std::string_view path) {
  return path == "/large" || path == "/large?" || path == "/large?copied" ? 300'000U : 0U;
}

}  // namespace

TEST_CASE("10,000 requests on a warm shard take nothing from the heap") {
  const TemporaryDirectory directory;
  const std::string content = pattern(400'000);
  const engine::Descriptor file(::openat(directory.fd(), "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::write(file.get(), content.data(), content.size()) ==
          static_cast<ssize_t>(content.size()));
  Served served{file.get()};
  TestShard test;
  http::Server server(*test.shard, {.handler = {&serve, &served}});
  SocketPair pair = tcp_pair();
  server.accept(std::move(pair.server), 0);
  engine::Stream client(std::move(pair.client));
  std::vector<std::byte> into(64 * 1024);
  std::string requests[4] = {
      "GET /small HTTP/1.1\r\nHost: a\r\n\r\n", "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /large?copied HTTP/1.1\r\nHost: a\r\n\r\n",
      "PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + pattern(100'000)};
  const std::size_t least[4] = {4096, answer_bytes("/large"), answer_bytes("/large?copied"), 1};
  const auto body = [&](unsigned count) -> Task<> {
    for (unsigned i = 0; i < count; ++i) {
      // Mostly small ones, as in life; the others now and then.
      const unsigned kind = i % 16 == 5 ? 1 : i % 16 == 9 ? 2 : i % 16 == 13 ? 3 : 0;
      co_await ask(client, bytes_of(requests[kind]), least[kind], into);
    }
  };
  const auto run = [&](unsigned count) {
    const Task<> task = body(count);
    test.shard->run_until(task);
  };
  run(200);
  allocations = 0;
  counting = true;
  run(10'000);
  counting = false;
  CHECK(allocations == 0);

  const Task<> closed = client.close();
  test.shard->run_until(closed);
  const Task<> rest = test.shard->tasks().join();
  test.shard->run_until(rest);
}

TEST_CASE("10,000 signed GETs and HEADs of the whole service take nothing from the heap") {
  TestShard test;
  ServedSite served(*test.shard);
  served.site.write_file("outside", pattern(4096));
  const auto begin = [&]() -> Task<> {
    const auto put = co_await served.answer_to(
        {.method = "PUT",
         .target = "/bucket/a/b",
         .headers = {{"x-amz-meta-colour", "red"}, {"Cache-Control", "no-cache"}},
         .body = pattern(4096)});
    REQUIRE(http::test::status_of(put) == 200);
  };
  const Task<> begun = begin();
  test.shard->run_until(begun);
  struct Kind {
    ServedSite::Ask ask;
    std::string text;
    std::size_t answer_bytes = 0;
  };
  Kind kinds[] = {{{.target = "/bucket/a/b"}, {}},
                  {{.target = "/bucket/a/b", .auth = Auth::query}, {}},
                  {{.method = "HEAD", .target = "/bucket/a/b"}, {}},
                  {{.method = "HEAD", .target = "/bucket/a/b", .auth = Auth::query}, {}},
                  {{.target = "/bucket/outside"}, {}},
                  {{.target = "/bucket/a/b", .headers = {{"Range", "bytes=100-199"}}}, {}}};
  const auto learn = [&]() -> Task<> {
    for (Kind& kind : kinds) {
      kind.text = served.render(kind.ask);
      co_await served.client.send(kind.text);
      const auto answer = co_await served.client.answer(kind.ask.method == "HEAD");
      REQUIRE(http::test::status_of(answer) / 100 == 2);
      kind.answer_bytes = answer.size();
    }
  };
  const Task<> learnt = learn();
  test.shard->run_until(learnt);
  std::vector<std::byte> into(64 * 1024);
  const auto body = [&](unsigned count) -> Task<> {
    for (unsigned i = 0; i < count; ++i) {
      const Kind& kind = kinds[i % std::size(kinds)];
      co_await ask(*served.client.stream, bytes_of(kind.text), kind.answer_bytes, into);
    }
  };
  const auto run = [&](unsigned count) {
    const Task<> task = body(count);
    test.shard->run_until(task);
  };
  run(600);
  allocations = 0;
  counting = true;
  run(10'000);
  counting = false;
  CHECK(allocations == 0);
  const Task<> closed = served.client.close();
  test.shard->run_until(closed);
}

// As uploads do, 20 at a time: more than there are lanes, pieces that take several turns, and some
// that are alone.
TEST_CASE("MD5s side by side take nothing from the heap") {
  TestShard test;
  s3::Md5Queue queue;
  const std::string content = pattern(300'000);
  const auto upload = [&](std::size_t piece) -> Task<> {
    s3::Md5 md5;
    for (std::size_t at = 0; at + piece <= content.size(); at += piece) {
      co_await queue.update(md5, bytes_of(std::string_view(content).substr(at, piece)));
    }
  };
  const auto run = [&] {
    engine::TaskGroup group;
    for (std::size_t i = 1; i <= 20; ++i) group.adopt(upload(i * 13'001));
    // Ends with an outcome of the ring, or the loop would wait for its next heartbeat first.
    const auto join = [&]() -> Task<> {
      co_await group.join();
      co_await engine::Operation({.action = engine::Action::nop});
    };
    const Task<> all = join();
    test.shard->run_until(all);
  };
  run();
  allocations = 0;
  counting = true;
  for (int i = 0; i < 100; ++i) run();
  counting = false;
  CHECK(allocations == 0);
  const Task<> rest = test.shard->tasks().join();
  test.shard->run_until(rest);
}

TEST_CASE("the counter counts") {
  allocations = 0;
  counting = true;
  void* volatile plain = ::operator new(100);
  void* volatile aligned = std::aligned_alloc(4096, 4096);
  counting = false;
  CHECK(allocations == 2);
  ::operator delete(plain);
  std::free(aligned);
}
