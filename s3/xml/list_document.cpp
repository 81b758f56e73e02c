// ListBucketResult; element names and when they appear as in AWS's API reference of ListObjects
// and ListObjectsV2. The owner is the request.
#include "s3/xml/list_document.h"

namespace millrace::s3::xml {

ListDocument::ListDocument(std::string& out, std::string_view bucket,
                           const ListParameters& parameters)
    : out_(out),
      parameters_(parameters),
      encoding_(parameters.encode_url ? KeyEncoding::url : KeyEncoding::plain),
      writer_(out) {
  writer_.open_root("ListBucketResult");
  writer_.text("Name", bucket);
  writer_.key("Prefix", parameters.prefix, encoding_);
  if (parameters.version == ListVersion::v1) {
    writer_.key("Marker", parameters.marker, encoding_);
  } else {
    if (parameters.has_token) writer_.text("ContinuationToken", parameters.continuation_token);
    if (!parameters.start_after.empty()) {
      writer_.key("StartAfter", parameters.start_after, encoding_);
    }
  }
  writer_.number("MaxKeys", parameters.max_keys);
  if (!parameters.delimiter.empty()) writer_.key("Delimiter", parameters.delimiter, encoding_);
  if (parameters.encode_url) writer_.text("EncodingType", "url");
}

void ListDocument::object(const ListedObject& object) {
  writer_.open("Contents");
  writer_.key("Key", object.key, encoding_);
  writer_.time("LastModified", object.last_modified_ms);
  writer_.etag("ETag", object.etag);
  if (!object.checksum_algorithm.empty()) {
    writer_.text("ChecksumAlgorithm", object.checksum_algorithm);
    if (!object.checksum_type.empty()) writer_.text("ChecksumType", object.checksum_type);
  }
  writer_.number("Size", object.size);
  if (parameters_.fetch_owner && !object.owner.id.empty()) {
    writer_.open("Owner");
    writer_.text("ID", object.owner.id);
    if (!object.owner.display_name.empty()) {
      writer_.text("DisplayName", object.owner.display_name);
    }
    writer_.close();
  }
  writer_.text("StorageClass", object.storage_class);
  writer_.close();
}

void ListDocument::common_prefix(std::string_view prefix) {
  common_prefixes_.append("<CommonPrefixes><Prefix>");
  if (encoding_ == KeyEncoding::url) {
    append_url_encoded(common_prefixes_, prefix);
  } else {
    append_escaped(common_prefixes_, prefix);
  }
  common_prefixes_.append("</Prefix></CommonPrefixes>");
}

void ListDocument::finish(const Collector& collector) {
  writer_.raw(common_prefixes_);
  if (parameters_.version == ListVersion::v2) writer_.number("KeyCount", collector.count());
  writer_.boolean("IsTruncated", collector.truncated());
  if (collector.truncated()) {
    if (parameters_.version == ListVersion::v2) {
      writer_.open("NextContinuationToken");
      append_token(out_, collector.last());
      writer_.close();
    } else if (!parameters_.delimiter.empty()) {
      // Without a delimiter AWS leaves the marker to the client: the last key of the page.
      writer_.key("NextMarker", collector.last(), encoding_);
    }
  }
  writer_.close();
}

}  // namespace millrace::s3::xml
