// See copy_document.h.
#include "s3/xml/copy_document.h"

#include "s3/xml/writer.h"

namespace millrace::s3::xml {

void append_copy_result(std::string& document, CopyKind kind, const CopyResult& result) {
  Writer writer(document);
  writer.open_root(kind == CopyKind::object ? "CopyObjectResult" : "CopyPartResult");
  writer.time("LastModified", result.modified_seconds * 1000);
  writer.etag("ETag", result.etag);
  if (result.checksum.algorithm != ChecksumAlgorithm::none) {
    std::string text(result.checksum.base64().view());
    const bool composite = result.composite_parts > 0;
    if (composite) text.append("-").append(std::to_string(result.composite_parts));
    writer.text(checksum_element(result.checksum.algorithm), text);
    if (kind == CopyKind::object) {
      writer.text("ChecksumType", composite ? "COMPOSITE" : "FULL_OBJECT");
    }
  }
  writer.close();
}

}  // namespace millrace::s3::xml
