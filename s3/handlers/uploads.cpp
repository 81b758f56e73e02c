// CreateMultipartUpload, CompleteMultipartUpload and AbortMultipartUpload.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/object_tags.h"
#include "s3/handlers/slow_answer.h"
#include "s3/handlers/upload_answers.h"
#include "s3/handlers/upload_checksums.h"
#include "s3/handlers/write_conditions.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/xml/reader.h"
#include "s3/xml/writer.h"

#include <algorithm>

namespace millrace::s3::handlers {

using engine::Task;

std::string_view upload_id(const Request& request) {
  const auto parameter = request.query.find("uploadId");
  return parameter ? parameter->value : std::string_view();
}

S3Error upload_error(const store::UploadError& error) {
  return {.code = store::error_code_of(error)};
}

std::string_view checksum_type_name(store::StoredChecksumType type) {
  return type == store::StoredChecksumType::composite ? "COMPOSITE" : "FULL_OBJECT";
}

namespace {

// x-amz-if-match-initiated-time of AbortMultipartUpload.
Outcome<std::optional<std::int64_t>> initiated_condition(const Request& request) {
  constexpr std::string_view name = "x-amz-if-match-initiated-time";
  const auto* field = request.head().find(name);
  if (field == nullptr) return std::nullopt;
  const auto seconds = parse_condition_time(
      field->value, static_cast<std::int64_t>(request.service.shard().wall_seconds()));
  if (seconds) return seconds;
  return refuse_argument("This is no date.", name, field->value);
}

std::string completed_document(const Request& request, const store::Completed& completed) {
  std::string document;
  xml::Writer writer(document);
  writer.open_root("CompleteMultipartUploadResult");
  std::string location = request.exchange.connection().tls ? "https://" : "http://";
  location.append(request.head().host).append(request.head().path);
  writer.text("Location", location);
  writer.text("Bucket", request.bucket());
  writer.key("Key", request.key->view(), xml::KeyEncoding::plain);
  std::array<char, store::etag_text_bytes_max> etag;
  writer.etag("ETag", store::write_etag(completed.etag, etag));
  const ChecksumValue checksum = checksum_value(completed.checksum);
  if (checksum.algorithm != ChecksumAlgorithm::none) {
    std::string text(checksum.base64().view());
    if (completed.checksum.type == store::StoredChecksumType::composite) {
      text.append("-").append(std::to_string(completed.etag.parts));
    }
    writer.text(checksum_element(checksum.algorithm), text);
    writer.text("ChecksumType", checksum_type_name(completed.checksum.type));
  }
  writer.close();
  return document;
}

// Which part it was that Complete refused.
void describe_part(Request& request, const store::UploadError& error,
                   std::span<const store::ListedPart> parts) {
  const auto part = std::ranges::find(parts, error.part, &store::ListedPart::number);
  if (part == parts.end()) return;
  if (error.failure == store::UploadFailure::entity_too_small) {
    request.error_details.push_back({"ProposedSize", std::to_string(error.part_bytes)});
    request.error_details.push_back(
        {"MinSizeAllowed", std::to_string(store::upload_part_bytes_min)});
  }
  request.error_details.push_back({"PartNumber", std::to_string(part->number)});
  request.error_details.push_back({"ETag", std::string(part->etag)});
}

Task<Outcome<std::string>> complete(Request& request, std::span<const store::ListedPart> parts) {
  const http::Head& head = request.head();
  std::optional<std::uint64_t> object_bytes;
  if (const auto* field = head.find("x-amz-mp-object-size"); field != nullptr) {
    object_bytes = parse_decimal(field->value, ~0ULL);
    if (!object_bytes) co_return refuse(ErrorCode::invalid_request);
  }
  const auto stated = stated_checksum(head);
  if (!stated) co_return std::unexpected(stated.error());
  store::MappedPath path;
  store::map(*request.key, path);
  // Not looked at before the work: a repetition of what was done is answered as it was.
  const auto conditions = write_conditions(head);
  if (!conditions) co_return std::unexpected(conditions.error());
  const auto completed = co_await store::complete_upload(request.service.store(), path,
                                                         {.bucket = request.bucket(),
                                                          .key = request.key->view(),
                                                          .id = upload_id(request),
                                                          .parts = parts,
                                                          .object_bytes = object_bytes,
                                                          .checksum = *stated,
                                                          .owner = ownership(request),
                                                          .conditions = *conditions,
                                                          .asker = request.asker()});
  if (!completed) {
    describe_part(request, completed.error(), parts);
    co_return std::unexpected(complete_error(request, completed.error(), *stated));
  }
  co_return completed_document(request, *completed);
}

}  // namespace

Task<Outcome<>> create_multipart_upload(Request& request) {
  const http::Head& head = request.head();
  store::MetadataView meta;
  DescribedObject memory;
  if (const auto described = describe_from_head(head, meta, memory); !described) {
    co_return described;
  }
  TagSet tags;
  if (const auto taken = take_tags(head, meta, tags); !taken) {
    co_return taken;
  }
  if (!meta.tags.empty()) {
    if (const auto may = co_await may_tag(request, meta.tags); !may) co_return may;
  }
  if (const auto kind = parse_checksum_kind(request, meta.checksum); !kind) co_return kind;
  const std::string_view principal = request.sender();
  const auto made = co_await store::create_upload(request.service.store(), request.bucket(),
                                                  {.key = request.key->view(),
                                                   .initiator = principal,
                                                   .owner = principal,
                                                   .object = &meta,
                                                   .default_checksum = true});
  if (!made) co_return std::unexpected(upload_error(made.error()));
  std::string document;
  {
    xml::Writer writer(document);
    writer.open_root("InitiateMultipartUploadResult");
    writer.text("Bucket", request.bucket());
    writer.key("Key", request.key->view(), xml::KeyEncoding::plain);
    writer.text("UploadId", made->view());
    writer.close();
  }
  http::HeadWriter& out = request.begin(200);
  std::ignore = out.field("Content-Type", "application/xml");
  const auto algorithm = checksum_value(meta.checksum).algorithm;
  if (algorithm != ChecksumAlgorithm::none) {
    std::ignore = out.field("x-amz-checksum-algorithm", checksum_name(algorithm));
    std::ignore = out.field("x-amz-checksum-type", checksum_type_name(meta.checksum.type));
  }
  if (!co_await request.exchange.send(document)) co_return refuse(ErrorCode::request_timeout);
  co_return Outcome<>{};
}

Task<Outcome<>> complete_multipart_upload(Request& request) {
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto listed = xml::parse_complete(*document);
  if (!listed) co_return std::unexpected(listed.error());
  std::vector<store::ListedPart> parts;
  parts.reserve(listed->size());
  for (const xml::CompletedPart& part : *listed) {
    parts.push_back(
        {.number = part.number, .etag = part.etag, .checksum = listed_checksum(part.checksums)});
  }
  co_return co_await answer_when_done(request, complete(request, parts));
}

Task<Outcome<>> abort_multipart_upload(Request& request) {
  const auto initiated = initiated_condition(request);
  if (!initiated) co_return std::unexpected(initiated.error());
  if (*initiated) {
    const auto upload = co_await store::describe_upload(request.service.store(), request.bucket(),
                                                        request.key->view(), upload_id(request));
    // The time of an upload never changes: what is aborted below is what was looked at.
    if (upload && upload->initiated_ms / 1000 != **initiated) {
      co_return refuse(ErrorCode::precondition_failed);
    }
  }
  const auto aborted = co_await store::abort_upload(request.service.store(), request.bucket(),
                                                    request.key->view(), upload_id(request));
  // With the condition an upload that is not there is as good as aborted.
  const bool absent =
      !aborted && *initiated && aborted.error().failure == store::UploadFailure::no_such_upload;
  if (!aborted && !absent) co_return std::unexpected(upload_error(aborted.error()));
  request.begin(204);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
