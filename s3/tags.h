// Tags of objects: checked by the rules of AWS ("Categorizing your objects using tags"), whatever
// they came in (a header in the form of a query, an XML document), and packed as the attribute
// keeps them. Values; owned by the request.
#pragma once

#include "s3/auth/percent.h"
#include "s3/error.h"
#include "s3/store/metadata.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::s3 {

struct TagRules {
  std::size_t tags_max;
  std::string_view too_many;  // what is answered above it, as BadRequest
};
TagRules object_tag_rules();
TagRules bucket_tag_rules();

// Count, lengths, characters, reserved and repeated keys. Errors: BadRequest (too many),
// InvalidTag.
Outcome<> check_tags(std::span<const store::Pair> tags, const TagRules& rules);

// The tags of one object, packed; views point into it.
class TagSet {
 public:
  TagSet() = default;
  TagSet(const TagSet&) = delete;
  TagSet& operator=(const TagSet&) = delete;

  // Of a document that was read already.
  Outcome<> take(std::span<const store::Pair> tags);
  // x-amz-tagging: NAME=VALUE&NAME=VALUE, percent-encoded. Also InvalidArgument: a wrong escape, or
  // a name twice.
  Outcome<> parse(std::string_view header);

  const store::PackedPairs& packed() const { return packed_; }

 private:
  Outcome<> pack(std::span<const store::Pair> tags);

  std::vector<char> text_;
  std::vector<std::byte> bytes_;
  store::PackedPairs packed_;
};

std::size_t count_tags(const store::PackedPairs& tags);

}  // namespace millrace::s3
