// The documents of both versions of ListObjects.
#include "s3/xml/list_document.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace millrace::s3;

namespace {

const std::string root =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>";

std::string list(const ListParameters& parameters, const std::vector<std::string_view>& keys) {
  std::string out;
  xml::ListDocument document(out, "b", parameters);
  Collector collector(parameters);
  for (const std::string_view key : keys) {
    const Decision decision = collector.offer(key);
    if (decision == Decision::emit) {
      document.object({.key = key,
                       .last_modified_ms = 0,
                       .etag = "e",
                       .size = 5,
                       .owner = {.id = "o", .display_name = "name"}});
    }
    if (decision == Decision::common_prefix) document.common_prefix(collector.common_prefix());
    if (decision == Decision::done) break;
  }
  document.finish(collector);
  return out;
}

std::string contents(std::string_view key, bool owner) {
  return "<Contents><Key>" + std::string(key) +
         "</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>"
         "<ETag>&quot;e&quot;</ETag><Size>5</Size>" +
         (owner ? "<Owner><ID>o</ID><DisplayName>name</DisplayName></Owner>" : "") +
         "<StorageClass>STANDARD</StorageClass></Contents>";
}

}  // namespace

TEST_CASE("version 1, truncated after a common prefix") {
  ListParameters parameters;
  parameters.delimiter = "/";
  parameters.fetch_owner = true;
  parameters.marker = "A";
  parameters.after = "A";
  parameters.max_keys = 2;
  CHECK(list(parameters, {"a/1", "a/2", "b", "c"}) ==
        root + "<Prefix></Prefix><Marker>A</Marker><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter>" +
            contents("b", true) +
            "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"
            "<IsTruncated>true</IsTruncated><NextMarker>b</NextMarker></ListBucketResult>");
}

TEST_CASE("version 1 without a delimiter leaves the next marker to the client") {
  ListParameters parameters;
  parameters.fetch_owner = true;
  parameters.max_keys = 1;
  CHECK(list(parameters, {"a", "b"}) ==
        root + "<Prefix></Prefix><Marker></Marker><MaxKeys>1</MaxKeys>" + contents("a", true) +
            "<IsTruncated>true</IsTruncated></ListBucketResult>");
}

TEST_CASE("version 2 with encoding") {
  ListParameters parameters;
  parameters.version = ListVersion::v2;
  parameters.prefix = "p q/";
  parameters.delimiter = "/";
  parameters.start_after = "p q/ ";
  parameters.after = "p q/ ";
  parameters.encode_url = true;
  parameters.max_keys = 2;
  std::string token;
  append_token(token, "p q/b c/");
  CHECK(list(parameters, {"p q/a&", "p q/b c/1", "p q/d"}) ==
        root + "<Prefix>p+q/</Prefix><StartAfter>p+q/+</StartAfter><MaxKeys>2</MaxKeys>" +
            "<Delimiter>/</Delimiter><EncodingType>url</EncodingType>" +
            contents("p+q/a%26", false) +
            "<CommonPrefixes><Prefix>p+q/b+c/</Prefix></CommonPrefixes><KeyCount>2</KeyCount>"
            "<IsTruncated>true</IsTruncated><NextContinuationToken>" +
            token + "</NextContinuationToken></ListBucketResult>");
}

TEST_CASE("version 2, an empty last page and a checksum") {
  ListParameters parameters;
  parameters.version = ListVersion::v2;
  parameters.continuation_token = "t";
  parameters.has_token = true;
  CHECK(list(parameters, {}) ==
        root +
            "<Prefix></Prefix><ContinuationToken>t</ContinuationToken><MaxKeys>1000</MaxKeys>"
            "<KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>");
  std::string out;
  xml::ListDocument document(out, "b", parameters);
  document.object({.key = "a\n<",
                   .etag = "e",
                   .checksum_algorithm = "CRC32C",
                   .checksum_type = "FULL_OBJECT",
                   .owner = {}});
  CHECK(out.find("<Key>a&#xA;&lt;</Key>") != std::string::npos);
  CHECK(out.find("<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm>"
                 "<ChecksumType>FULL_OBJECT</ChecksumType>") != std::string::npos);
}
