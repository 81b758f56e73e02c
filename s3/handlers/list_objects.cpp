// ListObjects and ListObjectsV2: one page, written while it is collected.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/listing.h"
#include "s3/service.h"
#include "s3/store/listing/list_page.h"
#include "s3/xml/list_document.h"

#include "s3/handlers/object_headers.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

struct Page {
  xml::ListDocument& document;
  xml::ListedOwner owner;

  static void object(void* context, const store::ListedEntry& entry) {
    auto& page = *static_cast<Page*>(context);
    const auto algorithm = checksum_value({.algorithm = entry.checksum}).algorithm;
    const bool full = entry.checksum_type == store::StoredChecksumType::full_object;
    page.document.object({.key = entry.key,
                          .last_modified_ms = entry.modified_ms,
                          .etag = entry.etag,
                          .size = entry.size,
                          .checksum_algorithm = checksum_name(algorithm),
                          .checksum_type = algorithm == ChecksumAlgorithm::none ? ""
                                           : full                               ? "FULL_OBJECT"
                                                                                : "COMPOSITE",
                          .owner = page.owner});
  }
  static void common_prefix(void* context, std::string_view prefix) {
    static_cast<Page*>(context)->document.common_prefix(prefix);
  }
};

// RestoreStatus is all there is to ask for, and objects that were never archived have none.
Outcome<> check_attributes(const http::Head& head) {
  const auto* field = head.find("x-amz-optional-object-attributes");
  if (field == nullptr || field->value.empty() || field->value == "RestoreStatus") return {};
  return refuse_argument("Invalid attribute name specified.", "x-amz-optional-object-attributes",
                         field->value);
}

Task<Outcome<>> list(Request& request, ListVersion version) {
  if (const auto known = check_attributes(request.head()); !known) co_return known;
  request.decoded.resize(2 * request.query.text().size() + 1);
  DecodeArena arena(request.decoded);
  const auto parameters = parse_list_parameters(version, request.query, arena);
  if (!parameters) co_return std::unexpected(parameters.error());
  Collector collector(*parameters);
  std::string text;
  xml::ListDocument document(text, request.bucket(), *parameters);
  const std::string& owner = request.service.options().owner_name;
  Page page{.document = document, .owner = {.id = owner, .display_name = owner}};
  Service& service = request.service;
  const auto listed = co_await store::list_page(
      service.store().options(), service.indexes(), service.entries(), request.bucket(), *parameters,
      collector,
      {.object = &Page::object, .common_prefix = &Page::common_prefix, .context = &page});
  if (!listed) co_return std::unexpected(bucket_error(listed.error()));
  document.finish(collector);
  co_return co_await send_xml(request, text);
}

}  // namespace

Task<Outcome<>> list_objects(Request& request) {
  co_return co_await list(request, ListVersion::v1);
}

Task<Outcome<>> list_objects_v2(Request& request) {
  co_return co_await list(request, ListVersion::v2);
}

}  // namespace millrace::s3::handlers
