// Content types of files that came from outside S3.
#include "s3/store/content_type.h"

#include <doctest/doctest.h>

using namespace millrace::s3::store;

TEST_CASE("content types by extension") {
  CHECK(content_type_from_extension("a/b.html") == "text/html");
  CHECK(content_type_from_extension("B.JPeG") == "image/jpeg");
  CHECK(content_type_from_extension("x.tar.gz") == "application/gzip");
  CHECK(content_type_from_extension("x.7z") == "application/x-7z-compressed");
  CHECK(content_type_from_extension("x.zst") == "application/zstd");
  for (const char* key :
       {"a", "a.", ".gz", "a/.gz", "a.html/b", "a.unknown", "a.verylongextension"}) {
    CHECK(content_type_from_extension(key) == default_content_type);
  }
}
