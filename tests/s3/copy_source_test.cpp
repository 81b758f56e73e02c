// What names the source of a copy, in all its spellings, and the range of a part.
#include "s3/copy_source.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;

namespace {

// "bucket|key", or the code of the error.
std::string parsed(std::string_view header) {
  const auto source = s3::parse_copy_source(header);
  if (!source) return std::string(s3::code_text(source.error().code));
  return std::string(source->bucket()) + "|" + std::string(source->key.view());
}

std::string range(std::string_view header, std::uint64_t bytes) {
  const auto slice = s3::parse_copy_range(header, bytes);
  if (!slice) return std::string(s3::code_text(slice.error().code));
  return std::to_string(slice->offset) + "+" + std::to_string(slice->bytes);
}

}  // namespace

TEST_CASE("copy sources") {
  CHECK(parsed("bucket/key") == "bucket|key");
  CHECK(parsed("/bucket/key") == "bucket|key");
  CHECK(parsed("/bucket//key") == "bucket|/key");
  CHECK(parsed("bucket/a/b%20c+d%2Be") == "bucket|a/b c d+e");
  CHECK(parsed("%2Fbucket%2Fa%2Fb") == "bucket|a/b");
  CHECK(parsed("bucket/a?b=c") == "bucket|a?b=c");
  CHECK(parsed("bucket/a?versionId=null") == "bucket|a");
  CHECK(parsed("bucket/a?versionId=%6eull") == "bucket|a");
  CHECK(parsed("bucket/a%3FversionId=x") == "bucket|a?versionId=x");
  CHECK(parsed("bucket/a?versionId=1") == "NoSuchVersion");
  CHECK(parsed("bucket/a?versionId=") == "NoSuchVersion");
  CHECK(parsed("bucket/" + std::string(1024, 'k')) == "bucket|" + std::string(1024, 'k'));
}

TEST_CASE("what is no copy source") {
  for (const std::string& wrong :
       {std::string(), std::string("/"), std::string("bucket"), std::string("bucket/"),
        std::string("//key"), std::string("/bucket"), std::string("bucket/%"),
        std::string("bucket/%g0"), std::string("bucket/%00"), std::string("bucket/%C3"),
        std::string("Bucket/key"), std::string("ab/key"), std::string("../key"),
        std::string(".millrace/credentials"), "bucket/" + std::string(1025, 'k'),
        "bucket/" + std::string(6000, 'k'),
        std::string("arn:aws:s3:us-east-1:1:accesspoint/point/object/key")}) {
    CAPTURE(wrong);
    CHECK(parsed(wrong) == "InvalidArgument");
  }
  // Told as it came.
  CHECK(s3::parse_copy_source("bucket").error().argument_value == "bucket");
}

TEST_CASE("ranges of a source") {
  CHECK(range("bytes=0-0", 1) == "0+1");
  CHECK(range("bytes=3-9", 10) == "3+7");
  CHECK(range("bytes=0-18446744073709551615", 10) == "InvalidArgument");
  for (const char* wrong : {"", "0-1", "bytes=", "bytes=-", "bytes=-1", "bytes=1-", "bytes=2-1",
                            "bytes=0-1,2-3", "bytes=0-10", "bytes=10-10", "bytes= 0-1", "Bytes=0-1",
                            "bytes=0x0-1", "bytes=0--1", "bytes=0-99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK(range(wrong, 10) == "InvalidArgument");
  }
  CHECK(range("bytes=0-0", 0) == "InvalidArgument");
}
