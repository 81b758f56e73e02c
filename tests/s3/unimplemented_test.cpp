// Headers and parameters that are not built are refused, where they would matter.
#include "s3/unimplemented.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace millrace;
using s3::OperationId;

namespace {

s3::Outcome<> check(OperationId id, std::string_view name, std::string_view value,
                    std::string_view query = {}, const s3::Served& served = {}) {
  http::Head head;
  head.field_slots[0] = {"Host", "h"};
  head.field_slots[1] = {name, value};
  head.field_count = name.empty() ? 1 : 2;
  head.query = query;
  return s3::check_unimplemented(head, query, id, served);
}

struct Case {
  OperationId id;
  const char* name;
  const char* value;
  int status;  // 0: accepted
};

}  // namespace

TEST_CASE("headers") {
  const std::array table = {
      Case{OperationId::put_object, "x-amz-server-side-encryption", "aws:kms", 501},
      Case{OperationId::put_object, "x-amz-server-side-encryption", "AES256", 501},
      Case{OperationId::get_object, "X-Amz-Server-Side-Encryption-Customer-Key", "k", 501},
      Case{OperationId::upload_part, "x-amz-server-side-encryption-customer-algorithm", "A", 501},
      Case{OperationId::put_object, "x-amz-object-lock-mode", "GOVERNANCE", 501},
      Case{OperationId::create_multipart_upload, "x-amz-object-lock-legal-hold", "ON", 501},
      Case{OperationId::create_bucket, "x-amz-bucket-object-lock-enabled", "true", 501},
      Case{OperationId::create_bucket, "x-amz-bucket-object-lock-enabled", "False", 0},
      Case{OperationId::put_object, "x-amz-acl", "public-read", 400},
      Case{OperationId::create_bucket, "X-AMZ-ACL", "public-read-write", 400},
      Case{OperationId::put_object, "x-amz-acl", "private", 0},
      Case{OperationId::put_object, "x-amz-acl", "bucket-owner-full-control", 0},
      Case{OperationId::put_object, "x-amz-acl", "", 400},
      Case{OperationId::put_object, "x-amz-grant-read", "id=1", 400},
      Case{OperationId::create_bucket, "x-amz-acl", "bucket-owner-full-control", 400},
      Case{OperationId::put_object, "x-amz-website-redirect-location", "/x", 501},
      Case{OperationId::put_object, "x-amz-write-offset-bytes", "0", 0},
      Case{OperationId::put_object, "x-amz-rename-source", "/b/k", 501},
      Case{OperationId::delete_object, "x-amz-mfa", "1 2", 501},
      Case{OperationId::put_object, "x-amz-storage-class", "STANDARD", 0},
      Case{OperationId::put_object, "x-amz-storage-class", "GLACIER", 400},
      Case{OperationId::create_bucket, "x-amz-object-ownership", "BucketOwnerEnforced", 0},
      Case{OperationId::create_bucket, "x-amz-object-ownership", "ObjectWriter", 501},
      Case{OperationId::put_object, "If-Match", "\"e\"", 0},
      Case{OperationId::complete_multipart_upload, "if-match", "\"e\"", 0},
      Case{OperationId::delete_object, "If-Match", "*", 0},
      Case{OperationId::delete_object, "x-amz-if-match-size", "1", 0},
      Case{OperationId::abort_multipart_upload, "x-amz-if-match-initiated-time", "t", 0},
      Case{OperationId::put_object, "If-None-Match", "*", 0},
      Case{OperationId::put_object, "If-None-Match", "\"e\"", 501},
      // Reads have conditions.
      Case{OperationId::get_object, "If-Match", "\"e\"", 0},
      Case{OperationId::head_object, "If-None-Match", "\"e\"", 0},
      // What has no bearing is left alone.
      Case{OperationId::put_object, "x-amz-meta-acl", "public-read", 0},
      Case{OperationId::put_object, "x-amz-date", "20260101T000000Z", 0},
      Case{OperationId::put_object, "x-amz-acl-not", "x", 0},
      Case{OperationId::put_object, "x-amz-checksum-crc32c", "AAAAAA==", 0},
      Case{OperationId::upload_part, "x-amz-storage-class", "GLACIER", 0},
  };
  for (const Case& row : table) {
    CAPTURE(row.name);
    CAPTURE(row.value);
    const auto checked = check(row.id, row.name, row.value);
    CHECK((checked ? 0 : s3::http_status(checked.error().code)) == row.status);
    if (!checked) CHECK(checked.error().argument_name == row.name);
  }
}

TEST_CASE("headers that a presigning library moved into the query") {
  CHECK_FALSE(check(OperationId::put_object, "", "", "X-Amz-Acl=public-read&x=1").has_value());
  CHECK_FALSE(check(OperationId::put_object, "", "", "x%2Damz-mfa=a").has_value());
  CHECK_FALSE(check(OperationId::put_object, "", "", "x-amz-write-offset-bytes=0").has_value());
  CHECK_FALSE(check(OperationId::copy_object, "", "", "X-Amz-Copy-Source=b%2Fk").has_value());
  CHECK_FALSE(
      check(OperationId::copy_object, "", "", "x-amz-metadata-directive=REPLACE").has_value());
  CHECK(check(OperationId::put_object, "", "", "x-amz-acl=private").has_value());
  CHECK(check(OperationId::put_object, "", "", "if-match=x").has_value());
  CHECK_FALSE(check(OperationId::delete_object, "", "", "X-Amz-If-Match-Size=1").has_value());
  CHECK(check(OperationId::put_object, "", "",
              "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-SignedHeaders=host")
            .has_value());
  std::string encoded;
  for (const char c : std::string_view("x-amz-server-side-encryption-customer-algorithm")) {
    constexpr char digits[] = "0123456789ABCDEF";
    encoded += '%';
    encoded += digits[c >> 4];
    encoded += digits[c & 15];
  }
  CHECK_FALSE(check(OperationId::put_object, "", "", encoded + "=A").has_value());
}

TEST_CASE("a query that is in the head already is not looked at") {
  const s3::Served served{.owner = "o", .query_is_in_head = true};
  CHECK(check(OperationId::put_object, "", "", "x-amz-mfa=a", served).has_value());
  CHECK_FALSE(check(OperationId::get_object, "", "", "versionId=abc", served).has_value());
  CHECK_FALSE(check(OperationId::put_object, "X-Amz-Mfa", "a", "", served).has_value());
}

TEST_CASE("the owner that a request expects") {
  constexpr std::string_view name = "X-Amz-Expected-Bucket-Owner";
  const s3::Served served{.owner = "root"};
  const auto status = [&](OperationId id, std::string_view header, std::string_view value) {
    const auto checked = check(id, header, value, "", served);
    return checked ? 0 : s3::http_status(checked.error().code);
  };
  CHECK(status(OperationId::get_object, name, "root") == 0);
  CHECK(status(OperationId::get_object, name, "111122223333") == 403);
  CHECK(status(OperationId::delete_bucket, name, "111122223333") == 403);
  CHECK(status(OperationId::delete_bucket, name, "1111") == 400);
  CHECK(status(OperationId::put_object, name, "Root") == 400);
  CHECK(status(OperationId::create_bucket, name, "111122223333") == 0);
  CHECK(status(OperationId::list_buckets, name, "111122223333") == 0);
  constexpr std::string_view source = "x-amz-source-expected-bucket-owner";
  CHECK(status(OperationId::copy_object, source, "111122223333") == 403);
  CHECK(status(OperationId::upload_part_copy, source, "x") == 400);
  CHECK(status(OperationId::put_object, source, "111122223333") == 0);
}

TEST_CASE("query parameters") {
  CHECK_FALSE(check(OperationId::get_object, "", "", "versionId=abc").has_value());
  CHECK_FALSE(check(OperationId::delete_object, "", "", "a=b&version%49d=abc").has_value());
  CHECK_FALSE(check(OperationId::get_object, "", "", "versionId=").has_value());
  CHECK(check(OperationId::get_object, "", "", "versionId=null").has_value());
  CHECK(check(OperationId::put_object, "", "", "versionId=abc").has_value());
  CHECK(check(OperationId::upload_part, "", "", "partNumber=1&uploadId=u").has_value());
}
