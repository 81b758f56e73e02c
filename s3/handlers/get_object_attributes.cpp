// GetObjectAttributes: what is known of an object, without its content. Element names and order
// are those of the API reference; an ETag stands here without quotes, and a composite checksum
// without its "-N", as AWS writes them.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/upload_answers.h"
#include "s3/handlers/validators.h"
#include "s3/permission.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/xml/writer.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view header_name = "x-amz-object-attributes";
constexpr std::uint64_t parts_max = 1000;

struct Attributes {
  bool etag = false;
  bool checksum = false;
  bool parts = false;
  bool storage_class = false;
  bool size = false;
  bool any() const { return etag || checksum || parts || storage_class || size; }
};

struct Asked {
  Attributes attributes;
  std::uint64_t parts = parts_max;
  std::uint64_t parts_after = 0;
};

bool* attribute_of(std::string_view name, Attributes& attributes) {
  const std::pair<std::string_view, bool*> known[] = {{"ETag", &attributes.etag},
                                                      {"Checksum", &attributes.checksum},
                                                      {"ObjectParts", &attributes.parts},
                                                      {"StorageClass", &attributes.storage_class},
                                                      {"ObjectSize", &attributes.size}};
  for (const auto& [each, wanted] : known) {
    if (each == name) return wanted;
  }
  return nullptr;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Outcome<> take_names(std::string_view list, Attributes& attributes) {
  for (;;) {
    const auto comma = list.find(',');
    const std::string_view name = trimmed(list.substr(0, comma));
    if (!name.empty()) {
      bool* const wanted = attribute_of(name, attributes);
      if (wanted == nullptr) {
        return refuse_argument("Invalid attribute name specified.", header_name, name);
      }
      *wanted = true;
    }
    if (comma == std::string_view::npos) return {};
    list.remove_prefix(comma + 1);
  }
}

Outcome<Asked> parse(const http::Head& head) {
  Asked asked;
  for (const http::Field& field : head.fields()) {
    if (!http::field_name_equal(field.name, header_name)) continue;
    if (const auto taken = take_names(field.value, asked.attributes); !taken) {
      return std::unexpected(taken.error());
    }
  }
  if (!asked.attributes.any()) {
    return refuse(ErrorCode::invalid_request,
                  "The x-amz-object-attributes header specifying the attributes to be retrieved is "
                  "either missing or empty");
  }
  // AWS takes no offence at a maximum that is no number.
  const auto max = parse_decimal(head.value("x-amz-max-parts"), ~0ULL);
  if (max) asked.parts = std::min(*max, parts_max);
  const std::string_view marker = head.value("x-amz-part-number-marker");
  if (marker.empty()) return asked;
  const auto after = parse_decimal(marker, 0x7fffffff);
  if (!after) {
    return std::unexpected(
        refuse_argument("Provided argument is not an integer or within integer range",
                        "x-amz-part-number-marker", marker)
            .error());
  }
  asked.parts_after = *after;
  return asked;
}

void write_checksum_elements(xml::Writer& writer, const store::ObjectChecksum& stored) {
  const ChecksumValue value = checksum_value(stored);
  if (value.algorithm == ChecksumAlgorithm::none) return;
  writer.open("Checksum");
  writer.text(checksum_element(value.algorithm), value.base64().view());
  writer.text("ChecksumType", checksum_type_name(stored.type));
  writer.close();
}

void write_part(xml::Writer& writer, const store::Part& part, store::StoredChecksum algorithm) {
  const ChecksumValue value = checksum_value(part, algorithm);
  writer.open("Part");
  writer.text(checksum_element(value.algorithm), value.base64().view());
  writer.number("PartNumber", part.number);
  writer.number("Size", part.size);
  writer.close();
}

// Parts are listed where they have checksums, as AWS lists them; else only counted.
void write_parts(xml::Writer& writer, const store::PackedParts& parts, const Asked& asked) {
  if (parts.empty()) return;
  writer.open("ObjectParts");
  if (parts.algorithm() != store::StoredChecksum::none) {
    std::size_t first = 0;
    while (first < parts.size() && parts.at(first).number <= asked.parts_after) ++first;
    const std::size_t count = std::min<std::uint64_t>(parts.size() - first, asked.parts);
    writer.boolean("IsTruncated", first + count < parts.size());
    writer.number("MaxParts", asked.parts);
    writer.number("NextPartNumberMarker",
                  count == 0 ? asked.parts_after : parts.at(first + count - 1).number);
    writer.number("PartNumberMarker", asked.parts_after);
    for (std::size_t i = first; i < first + count; ++i) {
      write_part(writer, parts.at(i), parts.algorithm());
    }
  }
  writer.number("PartsCount", parts.size());
  writer.close();
}

std::string attributes_document(const store::OpenObject& object, const Asked& asked) {
  std::string document;
  xml::Writer writer(document);
  writer.open_root("GetObjectAttributesResponse");
  if (asked.attributes.etag) writer.text("ETag", object.etag());
  if (asked.attributes.checksum) write_checksum_elements(writer, object.meta.checksum);
  if (asked.attributes.parts) write_parts(writer, object.meta.parts, asked);
  if (asked.attributes.storage_class) {
    const auto stored = object.meta.field(store::Field::storage_class);
    writer.text("StorageClass", stored.empty() ? "STANDARD" : stored);
  }
  if (asked.attributes.size) writer.number("ObjectSize", object.file_size);
  writer.close();
  return document;
}

}  // namespace

Task<Outcome<>> get_object_attributes(Request& request) {
  const auto asked = parse(request.head());
  if (!asked) co_return std::unexpected(asked.error());
  // AWS wants both; the table of operations has s3:GetObjectAttributes.
  const auto may = co_await check_permission(
      request, {.action = "s3:GetObject", .bucket = request.bucket(), .key = request.key->view()});
  if (!may) co_return may;
  store::MappedPath path;
  store::map(*request.key, path);
  store::ObjectCache& objects = request.service.objects();
  auto held = objects.find(request.bucket(), path);
  if (!held) {
    auto opened = co_await objects.open(request.bucket(), path, request.key->view());
    if (!opened) co_return std::unexpected(co_await object_error(request, opened.error()));
    held = std::move(*opened);
  }
  const store::OpenObject& object = *held;
  const auto now = static_cast<std::int64_t>(request.service.shard().wall_seconds());
  const Validators validators(object);
  switch (check_conditions(request.head(), object, now)) {
    case http::Verdict::proceed: break;
    case http::Verdict::precondition_failed: co_return refuse(ErrorCode::precondition_failed);
    case http::Verdict::not_modified:
      validators.write(request.begin(304), object);
      co_return co_await send_empty(request);
  }
  const std::string document = attributes_document(object, *asked);
  http::HeadWriter& out = request.begin(200);
  std::ignore = out.field("Content-Type", "application/xml");
  std::ignore = out.field("Last-Modified", validators.modified);
  if (!co_await request.exchange.send(document)) co_return refuse(ErrorCode::request_timeout);
  co_return Outcome<>{};
}

}  // namespace millrace::s3::handlers
