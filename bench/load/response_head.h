// The head of an answer (RFC 9112): strict, since a generator that guesses would count what no
// client takes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::bench {

struct ResponseHead {
  unsigned status = 0;
  std::size_t bytes = 0;  // of the head, with its empty line
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;     // the connection ends with this answer
  std::string_view etag;  // as sent, quotes included
};

enum class HeadState : std::uint8_t { complete, incomplete, malformed };

// Views point into `text`.
HeadState parse_response_head(std::string_view text, ResponseHead& head);

// How the body of an answer ends (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };
Framing framing_of(const ResponseHead& head, bool to_head_request);

// Chunked coding taken off, piece by piece. Trailers are passed over.
class ChunkReader {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::string_view content;  // inside what was consumed
  };
  // Reads the front of `text`; call it again with what is left as long as it consumes.
  Step take(std::string_view text);
  bool ended() const { return state_ == State::ended; }
  bool malformed() const { return state_ == State::malformed; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_end,
    data,
    data_end,
    trailer,
    ended,
    malformed
  };
  void read_control(char c);
  void read_size(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  unsigned digits_ = 0;
  bool data_cr_ = false;
  std::size_t trailer_line_ = 0;
};

}  // namespace millrace::bench
