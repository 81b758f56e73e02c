// See receive.h. Two buffers of the shard's budget; never more for one request.
#include "s3/handlers/receive.h"

#include "engine/file.h"

#include <optional>

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

Task<Outcome<>> receive_into(Payload& payload, int fd, std::uint64_t offset) {
  engine::BufferPool& pool = engine::Shard::current().body_buffers();
  engine::Buffer buffers[2];
  std::optional<Task<Result<>>> writing;
  Outcome<> outcome;
  for (unsigned turn = 0;; turn ^= 1) {
    // The second buffer only when there is a second piece; taken one at a time, and never waited
    // for while the first is held and idle.
    if (!buffers[turn]) {
      buffers[turn] = pool.try_acquire();
      if (!buffers[turn] && writing) {
        const auto written = co_await *std::exchange(writing, std::nullopt);
        if (!written) {
          outcome = refuse(error_code_of(written.error()));
          break;
        }
        turn ^= 1;
      }
      if (!buffers[turn]) buffers[turn] = co_await pool.acquire();
    }
    const auto got = co_await payload.read(buffers[turn].bytes());
    if (writing) {
      const auto written = co_await *std::exchange(writing, std::nullopt);
      if (!written) {
        outcome = refuse(error_code_of(written.error()));
        break;
      }
    }
    if (!got) {
      outcome = std::unexpected(got.error());
      break;
    }
    if (*got == 0) break;
    writing.emplace(engine::file::write(fd, buffers[turn].bytes().first(*got), offset));
    offset += *got;
  }
  if (writing) {
    const auto written = co_await *writing;
    if (outcome && !written) outcome = refuse(error_code_of(written.error()));
  }
  if (!outcome) co_return outcome;
  co_return payload.verify();
}

}  // namespace millrace::s3::handlers
