// CopyObject: the source's content under another key, or its metadata changed in place.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/object_tags.h"
#include "s3/handlers/slow_answer.h"
#include "s3/handlers/source_object.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/permission.h"
#include "s3/service.h"
#include "s3/store/object_copy.h"
#include "s3/xml/copy_document.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

struct Directives {
  bool replace_metadata = false;
  bool replace_tags = false;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::none;  // asked for
};

Outcome<bool> replaces(const http::Head& head, std::string_view name, std::string_view unknown) {
  const std::string_view value = head.value(name);
  if (value.empty() || value == "COPY") return false;
  if (value == "REPLACE") return true;
  return std::unexpected(refuse_argument(unknown, name, value).error());
}

Outcome<Directives> parse_directives(const http::Head& head) {
  const auto metadata = replaces(head, "x-amz-metadata-directive", "Unknown metadata directive.");
  if (!metadata) return std::unexpected(metadata.error());
  const auto tags = replaces(head, "x-amz-tagging-directive", "Unknown tagging directive.");
  if (!tags) return std::unexpected(tags.error());
  Directives directives{.replace_metadata = *metadata, .replace_tags = *tags};
  const auto name = head.value("x-amz-checksum-algorithm");
  if (name.empty()) return directives;
  const auto algorithm = checksum_of_name(name);
  if (!algorithm) {
    return refuse(ErrorCode::invalid_request, "Checksum algorithm provided is unsupported.");
  }
  directives.checksum = *algorithm;
  return directives;
}

bool is_onto_itself(const Request& request, const CopySource& source) {
  return source.bucket() == request.bucket() && source.key == *request.key;
}

// A copy onto itself must change something.
Outcome<> check_change(const Request& request, const CopySource& source,
                       const Directives& directives, const store::CopyPlan& plan) {
  const bool itself = is_onto_itself(request, source);
  const bool new_checksum = directives.checksum != ChecksumAlgorithm::none && plan.read;
  const bool changes = directives.replace_metadata || directives.replace_tags || new_checksum ||
                       request.head().find("x-amz-storage-class") != nullptr;
  if (!itself || changes) return {};
  return refuse(ErrorCode::invalid_request,
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata, storage class, website redirect location "
                "or encryption attributes.");
}

// What the copy says beside its content.
struct Described {
  DescribedObject head;
  TagSet tags;
};

Outcome<> describe_copy(Request& request, const Directives& directives,
                        const store::OpenObject& source, store::MetadataView& meta,
                        Described& memory) {
  if (directives.replace_metadata) {
    const auto described = describe_from_head(request.head(), meta, memory.head);
    if (!described) return described;
  } else {
    meta = source.meta;
    // These are of one object alone.
    meta.field(store::Field::website_redirect) = {};
    meta.field(store::Field::storage_class) = {};
  }
  meta.tags = source.meta.tags;
  if (!directives.replace_tags) return {};
  meta.tags = {};
  return take_tags(request.head(), meta, memory.tags);
}

Task<Outcome<>> may_keep_tags(Request& request, const CopySource& source,
                              const Directives& directives, const store::MetadataView& meta) {
  if (meta.tags.empty()) co_return Outcome<>{};
  if (!directives.replace_tags) {
    const auto may = co_await check_permission(
        request,
        {.action = "s3:GetObjectTagging", .bucket = source.bucket(), .key = source.key.view()});
    if (!may) co_return may;
  }
  co_return co_await may_tag(request, meta.tags);
}

std::string document_of(const store::MetadataView& meta) {
  std::array<char, store::etag_text_bytes_max> etag;
  const bool composite = meta.checksum.type == store::StoredChecksumType::composite;
  std::string document;
  xml::append_copy_result(document, xml::CopyKind::object,
                          {.modified_seconds = meta.mtime_ns / 1'000'000'000,
                           .etag = store::write_etag(meta.etag, etag),
                           .checksum = checksum_value(meta.checksum),
                           .composite_parts = composite ? meta.etag.parts : 0});
  return document;
}

Task<Outcome<std::string>> copy(Request& request, const store::OpenObject& source,
                                store::CopyPlan plan, const store::CopyTarget& target,
                                store::MetadataView& meta) {
  const auto copied =
      co_await store::copy_object(request.service.store(), source, plan, target, meta);
  if (!copied) co_return std::unexpected(copy_error(copied.error()));
  co_return document_of(meta);
}

}  // namespace

Task<Outcome<>> copy_object(Request& request) {
  const http::Head& head = request.head();
  const auto directives = parse_directives(head);
  if (!directives) co_return std::unexpected(directives.error());
  CopySource source{.key = *request.key};
  store::OpenObject object;
  if (const auto opened = co_await open_source(request, source, object); !opened) co_return opened;
  const store::CopyPlan plan = store::plan_copy(object, directives->checksum);
  if (const auto change = check_change(request, source, *directives, plan); !change) {
    co_return change;
  }
  if (const auto bytes = check_copy_bytes(object.file_size); !bytes) co_return bytes;
  store::MetadataView meta;
  Described memory;
  const auto described = describe_copy(request, *directives, object, meta, memory);
  if (!described) co_return described;
  if (const auto may = co_await may_keep_tags(request, source, *directives, meta); !may) {
    co_return may;
  }
  store::MappedPath path;
  store::map(*request.key, path);
  const auto conditions = write_conditions(head);
  if (!conditions) co_return std::unexpected(conditions.error());
  if (const auto held = co_await check_early(request, path, *conditions); !held) co_return held;
  const store::CopyTarget target{.bucket = request.bucket(),
                                 .path = path,
                                 .key = request.key->view(),
                                 .owner = ownership(request),
                                 .conditions = *conditions,
                                 .asker = request.asker(),
                                 .onto_itself = is_onto_itself(request, source),
                                 .keeps_tags = !directives->replace_tags};
  co_return co_await answer_when_done(request, copy(request, object, plan, target, meta));
}

}  // namespace millrace::s3::handlers
