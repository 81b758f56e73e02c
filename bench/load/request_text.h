// The heads of requests: made when they are sent, or all of them before the clock starts.
#pragma once

#include "bench/load/plan.h"
#include "bench/load/settings.h"
#include "bench/load/signer.h"

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// One request, before it knows its endpoint.
struct RequestParts {
  std::string_view method;
  std::string path;   // encoded
  std::string query;  // encoded, in order; empty: none
  std::optional<std::uint64_t> body_bytes;
  std::string_view payload = unsigned_payload;
  std::string_view fields;  // lines that are not signed, each with its end
};

// Of every operation but multipart, whose requests depend on answers.
RequestParts parts_of(const Settings& settings, const Step& step);
// "/bucket/key", encoded.
std::string object_path(const Settings& settings, std::uint64_t object);

// Writes a head to the end of `out`. `signer` is used for Auth::header only.
void write_head(std::string& out, const Settings& settings, Auth auth, const Endpoint& endpoint,
                const RequestParts& parts, Signer& signer, std::int64_t unix_seconds);

// The heads of a run whose requests don't depend on when they are sent. Read-only once made.
class PreparedHeads {
 public:
  // Makes those of presigned and anonymous runs; none otherwise. The error: too many of them.
  static std::expected<PreparedHeads, std::string> make(const Settings& settings,
                                                        std::int64_t unix_seconds);
  // Empty when it was not made ahead. A range's lacks its Range field and its end.
  std::string_view find(unsigned endpoint, const Step& step) const;

 private:
  struct Block {
    std::string text;
    std::vector<std::uint64_t> ends;
  };
  std::uint64_t list_places_ = 1;
  std::vector<std::array<Block, mixed_operations>> blocks_;  // by endpoint
};

// Where in the list a LIST begins; as few as this, so that they can be signed ahead.
inline constexpr std::uint64_t list_places_max = 256;
std::uint64_t list_places(const Settings& settings);

}  // namespace millrace::bench
