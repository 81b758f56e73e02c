// What of a presigned query becomes fields of the head, and what does not.
#include "s3/presigned_fields.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;

namespace {

// The fields after it, "name=value" each; or the code of the refusal.
std::string taken(std::string_view query, std::string_view header = "Host", int fields = 1) {
  http::Head head;
  for (int i = 0; i < fields; ++i) head.field_slots[head.field_count++] = {header, "h"};
  std::vector<char> memory;
  const auto done = s3::take_presigned_fields(s3::QueryParameters(query), head, memory);
  if (!done) return std::string(s3::code_text(done.error().code));
  std::string text;
  for (const http::Field& field : head.fields().subspan(static_cast<std::size_t>(fields))) {
    text.append(field.name).append("=").append(field.value).append(";");
  }
  return text;
}

}  // namespace

TEST_CASE("fields of a presigned query") {
  CHECK(taken("") == "");
  CHECK(taken("X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-"
              "SignedHeaders=host&X-Amz-Signature=0&X-Amz-Security-Token=t&x-id=PutObject") == "");
  CHECK(taken("x-amz-meta-a=b&response-expires=x&X-Amz-ACL=private") ==
        "x-amz-meta-a=b;X-Amz-ACL=private;");
  CHECK(taken("x-amz-meta-a=%62+c%2B&%78-amz-tagging=t%3D1") ==
        "x-amz-meta-a=b c+;x-amz-tagging=t=1;");
  CHECK(taken("x-amz-meta-a=+b+") == "x-amz-meta-a=b;");
  CHECK(taken("x-amz-meta-a=1&X-AMZ-META-A=2") == "x-amz-meta-a=1;");
  CHECK(taken("x-amz-meta-a=1", "X-Amz-Meta-A") == "");
  CHECK(taken("x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32") == "");
  CHECK(taken("x-amz-checksum-mode=ENABLED&x-amz-checksum-algorithm=CRC32") ==
        "x-amz-checksum-mode=ENABLED;x-amz-checksum-algorithm=CRC32;");
  CHECK(taken("x-amz-content-sha256=UNSIGNED-PAYLOAD&x-amz-trailer=x&x-amz-") == "");
}

TEST_CASE("fields that no header could be") {
  CHECK(taken("x-amz-meta-a=b%0D%0Ac") == "InvalidArgument");
  CHECK(taken("x-amz-meta-a=%00") == "InvalidArgument");
  CHECK(taken("x-amz-meta-%20=b") == "InvalidArgument");
  constexpr int all = http::limits::field_count_max;
  CHECK(taken("x-amz-meta-a=b", "Other", all - 1) == "x-amz-meta-a=b;");
  CHECK(taken("x-amz-meta-a=b", "Other", all) == "RequestHeaderSectionTooLarge");
}
