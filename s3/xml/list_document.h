// The answer of ListObjects and ListObjectsV2, written entry by entry while the collector runs.
// Owned by the request that lists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/listing.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {

struct ListedOwner {
  std::string_view id;
  std::string_view display_name = {};  // left out if empty
};

struct ListedObject {
  std::string_view key;  // decoded
  std::int64_t last_modified_ms = 0;
  std::string_view etag;  // without quotes
  std::uint64_t size = 0;
  std::string_view storage_class = "STANDARD";
  std::string_view checksum_algorithm = {};  // "CRC32C"; left out if empty, as is the type
  std::string_view checksum_type = {};       // "FULL_OBJECT" or "COMPOSITE"
  ListedOwner owner = {};                    // written where the parameters ask for it
};

class ListDocument {
 public:
  // Writes the beginning. The parameters outlive the document.
  ListDocument(std::string& out, std::string_view bucket, const ListParameters& parameters);

  // In the order that the collector decides.
  void object(const ListedObject& object);
  void common_prefix(std::string_view prefix);
  // Call once, after the last entry.
  void finish(const Collector& collector);

 private:
  std::string& out_;
  const ListParameters& parameters_;
  KeyEncoding encoding_;
  Writer writer_;
  std::string common_prefixes_;  // they follow all contents
};

}  // namespace millrace::s3::xml
