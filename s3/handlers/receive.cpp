// See receive.h. At most two buffers of the shard's budget for one request; the second is never
// waited for, so that requests which hold one each cannot wait for each other.
#include "s3/handlers/receive.h"

#include "engine/buffer_pool.h"
#include "engine/shard.h"

#include <optional>

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

namespace {

class Writing {
 public:
  explicit Writing(PieceSink sink) : sink_(sink) {}

  void start(std::span<const std::byte> piece, std::uint64_t offset) {
    task_.emplace(sink_.write(sink_.context, piece, offset));
  }
  // The outcome of the write in flight, if there is one.
  Task<Result<>> finish() {
    if (!task_) co_return Result<>{};
    const Result<> written = co_await *task_;
    task_.reset();
    co_return written;
  }

 private:
  const PieceSink sink_;
  std::optional<Task<Result<>>> task_;
};

Task<Outcome<>> copy_pieces(Payload& payload, Writing& writing) {
  engine::BufferPool& pool = engine::Shard::current().body_buffers();
  engine::Buffer current = co_await pool.acquire();
  engine::Buffer other;
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = co_await payload.read(current.bytes());
    const auto written = co_await writing.finish();
    if (!got) co_return std::unexpected(got.error());
    if (!written) co_return refuse(error_code_of(written.error()));
    if (*got == 0) co_return Outcome<>{};
    writing.start(current.bytes().first(*got), offset);
    offset += *got;
    if (!other) other = pool.try_acquire();
    if (other) {
      std::swap(current, other);
      continue;
    }
    const auto alone = co_await writing.finish();
    if (!alone) co_return refuse(error_code_of(alone.error()));
  }
}

}  // namespace

Outcome<> verify(Request& request, Payload& payload) {
  const auto verified = payload.verify();
  const Payload::Mismatch& wrong = payload.mismatch();
  if (!verified && !wrong.claimed_name.empty()) {
    request.error_details.push_back({wrong.claimed_name, wrong.claimed});
    request.error_details.push_back({wrong.found_name, wrong.found});
  }
  return verified;
}

Task<Outcome<>> receive_into(Request& request, Payload& payload, PieceSink sink) {
  Writing writing(sink);
  const auto copied = co_await copy_pieces(payload, writing);
  if (!copied) co_return copied;
  co_return verify(request, payload);
}

}  // namespace millrace::s3::handlers
