// The body of one request, pulled by whoever serves it: by Content-Length or chunked, never
// beyond its end. Owned by the connection's coroutine.
#pragma once

#include "engine/stream.h"
#include "http/chunked.h"
#include "http/head.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace millrace::http {

class Body {
 public:
  Body(engine::Stream& stream, const Head& head);

  // Fills `into`; the count is short only at the end of the body. The first read answers
  // `Expect: 100-continue`: call it only when the request will be taken.
  // Errors: eof (the peer left in the middle), timed_out (no progress), malformed or too_large
  // (chunks that break the rules): the connection is of no further use then.
  engine::Task<engine::Result<std::size_t>> read(std::span<std::byte> into);

  // Every byte has been read.
  bool complete() const { return chunked_ ? decoder_.done() : left_ == 0; }
  // A read has failed; every later one fails alike.
  bool failed() const { return failure_.has_value(); }
  // The client waits for "100 Continue" and has not been told to go on.
  bool waits_for_continue() const { return expect_ && !complete(); }
  // What is still to come, when that is known.
  std::uint64_t left_bytes() const { return left_; }
  bool chunked() const { return chunked_; }
  std::uint64_t read_bytes() const { return read_; }

 private:
  engine::Task<engine::Result<std::size_t>> read_some(std::span<std::byte> into);
  engine::Task<engine::Result<std::size_t>> read_chunked(std::span<std::byte> into);
  engine::Error why(engine::Error error) const;

  engine::Stream& stream_;
  ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;
  std::uint64_t read_ = 0;
  const bool chunked_;
  bool expect_;
  std::optional<engine::Error> failure_;
};

}  // namespace millrace::http
