// ListObjects without I/O: the parameters of both versions, the continuation token, and the
// collector, which is fed keys in byte order and decides what belongs to the page.
// Owned by the request that lists; nothing is shared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/auth/percent.h"
#include "s3/error.h"
#include "s3/query.h"

namespace millrace::s3 {

inline constexpr std::uint32_t list_keys_max = 1000;  // per page; larger requests are cut to it

enum class ListVersion : std::uint8_t { v1, v2 };

// Views point into the query or the arena it was decoded to.
struct ListParameters {
  ListVersion version = ListVersion::v1;
  std::string_view prefix;
  std::string_view delimiter;           // may be several bytes; empty: none
  std::string_view marker;              // v1
  std::string_view start_after;         // v2
  std::string_view continuation_token;  // v2, as sent
  bool has_token = false;
  std::string_view after;  // the page holds what sorts after this: marker, start-after or token's
  std::uint32_t max_keys = list_keys_max;  // what the page may hold
  bool encode_url = false;                 // encoding-type=url
  bool fetch_owner = false;                // v1 always names the owner
};

// Errors: InvalidArgument naming the parameter; InvalidURI for a broken escape. The arena needs
// twice the query's size.
Outcome<ListParameters> parse_list_parameters(ListVersion version, const QueryParameters& query,
                                              DecodeArena& arena);

// Tokens are base64url of a version, a check over the rest, and the key or common prefix that the
// last page ended with. Any node reads any node's. The check only tells a foreign or damaged token
// from one of ours: a forged one says no more than start-after could.
void append_token(std::string& out, std::string_view last);
// Undecodable is InvalidArgument. out is overwritten.
Outcome<> decode_token(std::string_view token, std::string& out);

// The least string that sorts after all strings that begin with the prefix, in place. False (and
// empty) if there is none.
bool advance_past_prefix(std::string& prefix);

enum class Decision : std::uint8_t {
  skip,           // not of this page: before its start, or inside a common prefix already rolled up
  emit,           // an object of the page
  common_prefix,  // rolled up: Collector::common_prefix() is new on the page
  done,           // the page is complete; this key was not taken
};

// One page. Feed keys in ascending byte order, from next_wanted() on; after skip and
// common_prefix the feeder may seek to next_wanted(). A prefix that the page's start lies in is
// not shown again (nor does AWS), so a page that ended with a common prefix resumes behind it.
class Collector {
 public:
  explicit Collector(const ListParameters& parameters);

  // True when nothing more can be on this page; offering is then pointless.
  bool finished() const { return finished_; }
  // The least key that may matter next. Valid until the next offer.
  std::string_view next_wanted() const { return next_; }
  Decision offer(std::string_view key);

  std::string_view common_prefix() const { return last_; }  // after Decision::common_prefix
  std::uint32_t count() const { return count_; }            // objects and common prefixes
  bool truncated() const { return truncated_; }
  // The last key or common prefix of the page: NextMarker, the token's content. Empty at first.
  std::string_view last() const { return last_; }

 private:
  // The common prefix that the key rolls up to, or empty.
  std::string_view rolled_up(std::string_view key) const;
  void want_after(std::string_view key);
  void want_past(std::string_view common_prefix);

  std::string_view prefix_;
  std::string_view delimiter_;
  std::uint32_t max_keys_;
  std::uint32_t count_ = 0;
  bool finished_ = false;
  bool truncated_ = false;
  std::string next_;
  std::string last_;
};

}  // namespace millrace::s3
