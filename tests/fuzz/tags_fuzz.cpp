// Fuzzes x-amz-tagging. Properties: no crash; what is taken keeps AWS's limits, and written out
// with every byte escaped it is taken as the same.
#include "s3/tags.h"

#include "s3/limits.h"
#include "s3/store/key.h"
#include "tests/fuzz/targets.h"

#include <algorithm>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
}

void run(std::string_view input) {
  TagSet tags;
  if (!tags.parse(input)) return;
  require(count_tags(tags.packed()) <= limits::object_tags_max, "at most ten");
  std::string written;
  for (const store::Pair tag : tags.packed()) {
    require(!tag.name.empty() && store::utf8_valid(tag.name) && store::utf8_valid(tag.value),
            "text");
    if (!written.empty()) written += '&';
    append_escaped(written, tag.name);
    written += '=';
    append_escaped(written, tag.value);
  }
  TagSet again;
  require(again.parse(written).has_value(), "what was written is taken");
  require(std::ranges::equal(again.packed().payload(), tags.packed().payload()), "the same tags");
}

constexpr std::string_view seeds[] = {"team=red&colour=a+b%20c&empty=", "%C3%BC=%C3%A9&x",
                                      "a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=%2B-=._:/@"};

}  // namespace

const Target tags{.name = "tags", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
