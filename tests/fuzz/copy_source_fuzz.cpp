// Fuzzes x-amz-copy-source, the first line, and x-amz-copy-source-range, the second. Properties: no
// crash; what is taken has a valid bucket and key, and is taken again when it is written out with
// every byte escaped; a range lies within the source.
#include "s3/copy_source.h"

#include "http/range.h"
#include "tests/fuzz/targets.h"

#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

void check_source(std::string_view text) {
  const auto source = parse_copy_source(text);
  if (!source) return;
  require(store::bucket_name_valid(source->bucket()), "a bucket");
  require(store::Key::from_decoded(source->key.view()).has_value(), "a key");
  const auto again =
      parse_copy_source(std::string(source->bucket()) + "/" + escaped(source->key.view()));
  require(again && again->bucket() == source->bucket() && again->key == source->key, "the same");
}

void check_range(std::string_view text, std::uint64_t size) {
  if (const auto range = parse_copy_range(text, size)) {
    require(range->bytes > 0 && range->offset < size && range->bytes <= size - range->offset,
            "within the source");
  }
  const http::RangeAnswer answer = http::parse_range(text, size);
  if (answer.kind == http::RangeAnswer::Kind::slice) {
    require(answer.length > 0 && answer.offset < size && answer.length <= size - answer.offset,
            "within the object");
  }
}

void run(std::string_view input) {
  check_source(take_line(input));
  for (const std::uint64_t size : {0ULL, 1ULL, 1000ULL, ~0ULL}) check_range(input, size);
}

constexpr std::string_view seeds[] = {"/bucket/a%20b/%C3%BC+c?versionId=null\nbytes=0-999",
                                      "bucket/key\nbytes=10-20",
                                      "b/k\nbytes=0-1000",
                                      "b/k\nbytes=1-1",
                                      "%2Fbucket%2Fkey\nbytes=-5",
                                      "bucket/k?versionId=x\nbytes=18446744073709551615-"};

}  // namespace

const Target copy_source{.name = "copy_source", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
