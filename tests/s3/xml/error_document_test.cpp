// Error documents.
#include "s3/xml/error_document.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace millrace::s3;

TEST_CASE("a plain error") {
  std::string out;
  xml::append_error(out, {ErrorCode::no_such_key, {}, {}, {}}, {"/b/a%20<", "REQ", "HOST"});
  CHECK(out ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
        "<Resource>/b/a%20&lt;</Resource><RequestId>REQ</RequestId><HostId>HOST</HostId></Error>");
}

TEST_CASE("an argument, a message of its own and extra elements") {
  std::string out;
  const S3Error error = refuse_argument("No & no", "max-keys", "<x>").error();
  const std::array extra = {xml::ExtraElement{"BucketName", "b"}, xml::ExtraElement{"Key", ""}};
  xml::append_error(out, error, {"", "R", "H"}, extra);
  CHECK(out.find("<Code>InvalidArgument</Code><Message>No &amp; no</Message>"
                 "<ArgumentName>max-keys</ArgumentName><ArgumentValue>&lt;x&gt;</ArgumentValue>"
                 "<BucketName>b</BucketName><RequestId>R</RequestId>") != std::string::npos);
  CHECK(out.find("<Key>") == std::string::npos);
  CHECK(out.find("<Resource>") == std::string::npos);
}
