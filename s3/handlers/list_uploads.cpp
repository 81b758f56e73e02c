// ListParts and ListMultipartUploads.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/upload_answers.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/xml/writer.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::uint64_t page_entries_max = 1000;

// The decoded parameters of one list request.
struct Query {
  explicit Query(Request& request) : raw(request.query), arena(room(request)) {}
  const QueryParameters& raw;
  DecodeArena arena;

  static std::span<char> room(Request& request) {
    request.decoded.resize(request.head().query.size() + 1);
    return request.decoded;
  }

  Outcome<std::string_view> text(std::string_view name) {
    const auto parameter = raw.find(name);
    if (!parameter) return std::string_view();
    return arena.decode(parameter->value, UriPart::query);
  }
  // Numbers over the maximum are cut to it.
  Outcome<std::uint64_t> number(std::string_view name, std::uint64_t maximum,
                                std::uint64_t fallback) {
    const auto parameter = raw.find(name);
    if (!parameter || parameter->value.empty()) return fallback;
    const auto value = parse_decimal(parameter->value, 0x7fffffff);
    if (!value) {
      return std::unexpected(refuse_argument("Provided argument is not an integer or within "
                                             "integer range",
                                             name, parameter->value)
                                 .error());
    }
    return std::min(*value, maximum);
  }
  Outcome<xml::KeyEncoding> encoding() {
    const auto type = text("encoding-type");
    if (!type) return std::unexpected(type.error());
    if (type->empty()) return xml::KeyEncoding::plain;
    if (*type == "url") return xml::KeyEncoding::url;
    return std::unexpected(
        refuse_argument("Invalid Encoding Method specified in Request", "encoding-type", *type)
            .error());
  }
};

void write_person(xml::Writer& writer, std::string_view role, std::string_view name) {
  writer.open(role);
  writer.text("ID", name);
  writer.text("DisplayName", name);
  writer.close();
}

std::string_view storage_class(const store::UploadInfo& upload) {
  return upload.storage_class.empty() ? std::string_view("STANDARD") : upload.storage_class;
}

void write_checksum_kind(xml::Writer& writer, const store::UploadInfo& upload) {
  if (upload.algorithm == ChecksumAlgorithm::none) return;
  writer.text("ChecksumAlgorithm", checksum_name(upload.algorithm));
  writer.text("ChecksumType", checksum_type_name(upload.checksum_type));
}

std::string parts_document(const Request& request, const store::PartList& list, std::uint64_t after,
                           std::uint64_t max, xml::KeyEncoding encoding) {
  std::string document;
  xml::Writer writer(document);
  writer.open_root("ListPartsResult");
  writer.text("Bucket", request.bucket());
  writer.key("Key", request.key->view(), encoding);
  writer.text("UploadId", list.upload.id);
  write_person(writer, "Initiator", list.upload.initiator);
  write_person(writer, "Owner", list.upload.owner);
  writer.text("StorageClass", storage_class(list.upload));
  write_checksum_kind(writer, list.upload);
  writer.number("PartNumberMarker", after);
  writer.number("NextPartNumberMarker", list.parts.empty() ? after : list.parts.back().number);
  writer.number("MaxParts", max);
  writer.boolean("IsTruncated", list.truncated);
  for (const store::PartInfo& part : list.parts) {
    writer.open("Part");
    writer.number("PartNumber", part.number);
    writer.time("LastModified", part.modified_ms);
    const auto etag = hex_of(part.md5);
    writer.etag("ETag", {etag.data(), etag.size()});
    writer.number("Size", part.size);
    if (part.checksum.algorithm != ChecksumAlgorithm::none) {
      writer.text(checksum_element(part.checksum.algorithm), part.checksum.base64().view());
    }
    writer.close();
  }
  writer.close();
  return document;
}

void write_upload(xml::Writer& writer, const store::UploadInfo& upload, xml::KeyEncoding encoding) {
  writer.open("Upload");
  writer.key("Key", upload.key, encoding);
  writer.text("UploadId", upload.id);
  write_person(writer, "Initiator", upload.initiator);
  write_person(writer, "Owner", upload.owner);
  writer.text("StorageClass", storage_class(upload));
  writer.time("Initiated", upload.initiated_ms);
  write_checksum_kind(writer, upload);
  writer.close();
}

std::string uploads_document(const Request& request, const store::UploadListRequest& asked,
                             const store::UploadList& list, xml::KeyEncoding encoding) {
  std::string document;
  xml::Writer writer(document);
  writer.open_root("ListMultipartUploadsResult");
  writer.text("Bucket", request.bucket());
  writer.key("KeyMarker", asked.key_marker, encoding);
  writer.text("UploadIdMarker", asked.id_marker);
  writer.key("NextKeyMarker", list.next_key_marker, encoding);
  writer.text("NextUploadIdMarker", list.next_id_marker);
  writer.key("Prefix", asked.prefix, encoding);
  if (!asked.delimiter.empty()) writer.key("Delimiter", asked.delimiter, encoding);
  writer.number("MaxUploads", asked.max);
  if (encoding == xml::KeyEncoding::url) writer.text("EncodingType", "url");
  writer.boolean("IsTruncated", list.truncated);
  for (const store::UploadInfo& upload : list.uploads) write_upload(writer, upload, encoding);
  for (const std::string& prefix : list.common_prefixes) {
    writer.open("CommonPrefixes");
    writer.key("Prefix", prefix, encoding);
    writer.close();
  }
  writer.close();
  return document;
}

Outcome<store::UploadListRequest> parse_list_uploads(Query& query) {
  store::UploadListRequest asked;
  const std::pair<std::string_view, std::string_view*> texts[] = {
      {"prefix", &asked.prefix},
      {"delimiter", &asked.delimiter},
      {"key-marker", &asked.key_marker},
      {"upload-id-marker", &asked.id_marker}};
  for (const auto& [name, into] : texts) {
    const auto value = query.text(name);
    if (!value) return std::unexpected(value.error());
    *into = *value;
  }
  const auto max = query.number("max-uploads", page_entries_max, page_entries_max);
  if (!max) return std::unexpected(max.error());
  asked.max = *max;
  // Without a key marker it has no meaning, whatever it is.
  if (!asked.key_marker.empty() && !asked.id_marker.empty() &&
      !store::UploadId::parse(asked.id_marker)) {
    return std::unexpected(
        refuse_argument("Invalid uploadId marker", "upload-id-marker", asked.id_marker).error());
  }
  return asked;
}

}  // namespace

Task<Outcome<>> list_parts(Request& request) {
  Query query(request);
  const auto max = query.number("max-parts", page_entries_max, page_entries_max);
  if (!max) co_return std::unexpected(max.error());
  const auto after = query.number("part-number-marker", store::upload_part_number_max, 0);
  if (!after) co_return std::unexpected(after.error());
  const auto encoding = query.encoding();
  if (!encoding) co_return std::unexpected(encoding.error());
  const auto list =
      co_await store::list_parts(request.service.store(), request.bucket(), request.key->view(),
                                 upload_id(request), static_cast<std::uint32_t>(*after), *max);
  if (!list) co_return std::unexpected(upload_error(list.error()));
  co_return co_await send_xml(request, parts_document(request, *list, *after, *max, *encoding));
}

Task<Outcome<>> list_multipart_uploads(Request& request) {
  Query query(request);
  const auto asked = parse_list_uploads(query);
  if (!asked) co_return std::unexpected(asked.error());
  const auto encoding = query.encoding();
  if (!encoding) co_return std::unexpected(encoding.error());
  const auto list = co_await store::list_uploads(request.service.store(), request.bucket(), *asked);
  if (!list) co_return std::unexpected(upload_error(list.error()));
  co_return co_await send_xml(request, uploads_document(request, *asked, *list, *encoding));
}

}  // namespace millrace::s3::handlers
