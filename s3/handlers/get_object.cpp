// GetObject and HeadObject: everything that is answered comes from one open descriptor.
#include "http/range.h"
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/validators.h"
#include "s3/query.h"
#include "s3/service.h"

#include <fmt/format.h>

#include <optional>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// One part of a multipart object, by ?partNumber=N; an object put whole is its own part 1.
struct PartSlice {
  std::uint32_t parts = 0;  // of the object; 0: none was asked for
  http::RangeAnswer range;
  std::optional<store::Part> part;  // of a multipart object
};

Outcome<PartSlice> no_such_part(Request& request, std::uint64_t asked, std::size_t parts) {
  request.error_details = {{"ActualPartCount", std::to_string(parts)},
                           {"PartNumberRequested", std::to_string(asked)}};
  return refuse(ErrorCode::invalid_part_number);
}

Outcome<PartSlice> slice_of_part(Request& request, const store::OpenObject& object) {
  const auto parameter = request.query.find("partNumber");
  if (!parameter) return PartSlice{};
  constexpr std::uint64_t number_max = 10'000;
  const auto number = parse_decimal(parameter->value, number_max);
  if (!number || *number == 0) {
    return std::unexpected(
        refuse_argument("Part number must be an integer between 1 and 10000, inclusive",
                        "partNumber", parameter->value)
            .error());
  }
  if (request.head().find("range") != nullptr) {
    return refuse(ErrorCode::invalid_request,
                  "Cannot specify both Range header and partNumber query parameter");
  }
  PartSlice slice{
      .parts = 1,
      .range = {.kind = http::RangeAnswer::Kind::slice, .offset = 0, .length = object.file_size}};
  const store::PackedParts& parts = object.meta.parts;
  if (!parts.empty()) {
    slice.parts = static_cast<std::uint32_t>(parts.size());
    slice.range.length = 0;
    if (*number > parts.size()) return no_such_part(request, *number, parts.size());
    std::uint64_t left = object.file_size;
    for (std::size_t index = 0; index < *number; ++index) {
      slice.range.offset += slice.range.length;
      slice.part = parts.at(index);
      slice.range.length = slice.part->size;
      // Whoever may write the file may have written the table.
      if (slice.range.length > left) return refuse(ErrorCode::internal_error);
      left -= slice.range.length;
    }
  } else if (*number != 1) {
    return no_such_part(request, *number, 1);
  }
  if (slice.range.length == 0) slice.range.kind = http::RangeAnswer::Kind::none;
  return slice;
}

Task<Outcome<>> send_content(Request& request, const store::ObjectCache::Hold& object,
                             const http::RangeAnswer& range) {
  http::Exchange& exchange = request.exchange;
  const bool slice = range.kind == http::RangeAnswer::Kind::slice;
  const std::uint64_t offset = slice ? range.offset : 0;
  const std::uint64_t bytes = slice ? range.length : object->file_size;
  const std::string_view content = object.content();
  engine::Result<> sent;
  if (request.head().method == http::Method::head) {
    sent = co_await exchange.send_head(bytes);
  } else if (!content.empty()) {
    sent = co_await exchange.send(content.substr(offset, bytes));
  } else {
    sent = co_await exchange.send_file({.fd = object->file.get(),
                                        .offset = offset,
                                        .bytes = bytes,
                                        .local = request.service.store().options().abilities.local,
                                        .cached = object.cached()});
  }
  if (!sent) co_return refuse(ErrorCode::request_timeout);
  co_return Outcome<>{};
}

Task<Outcome<>> answer(Request& request, const store::ObjectCache::Hold& held) {
  const store::OpenObject& object = *held;
  const http::Head& head = request.head();
  const auto now = static_cast<std::int64_t>(request.service.shard().wall_seconds());
  const Validators validators(object);
  switch (check_conditions(head, object, now)) {
    case http::Verdict::proceed: break;
    case http::Verdict::precondition_failed: co_return refuse(ErrorCode::precondition_failed);
    case http::Verdict::not_modified: {
      http::HeadWriter& out = request.begin(304);
      validators.write(out, object);
      write_cache_headers(out, object.meta);
      co_return co_await send_empty(request);
    }
  }
  http::RangeAnswer range;
  const bool range_holds = http::if_range_matches(
      head.value("if-range"),
      {.exists = true, .etag = object.etag(), .modified_seconds = object.modified_seconds()}, now);
  const auto part = slice_of_part(request, object);
  if (!part) co_return std::unexpected(part.error());
  if (part->parts > 0) {
    range = part->range;
  } else if (range_holds) {
    range = http::parse_range(head.value("range"), object.file_size);
  }
  if (range.kind == http::RangeAnswer::Kind::unsatisfiable) {
    request.error_header_name = "Content-Range";
    request.error_header_value = fmt::format("bytes */{}", object.file_size);
    co_return refuse(ErrorCode::invalid_range);
  }
  const bool slice = range.kind == http::RangeAnswer::Kind::slice;
  http::HeadWriter& out = request.begin(slice ? 206 : 200);
  validators.write(out, object);
  std::ignore = out.field("Accept-Ranges", "bytes");
  if (slice) std::ignore = out.content_range(range.offset, range.length, object.file_size);
  if (part->part) std::ignore = out.field("x-amz-mp-parts-count", part->parts);
  const bool whole = !slice || (range.offset == 0 && range.length == object.file_size);
  const bool enabled = http::field_name_equal(head.value("x-amz-checksum-mode"), "enabled");
  const auto described =
      write_object_headers(out, object.meta, request.query, enabled && whole && !part->part);
  if (!described) co_return described;
  if (enabled && part->part) write_part_checksum(out, object.meta, *part->part);
  co_return co_await send_content(request, held, range);
}

}  // namespace

Task<Outcome<>> get_object(Request& request) {
  if (request.identity.anonymous() && overrides_headers(request.query)) {
    co_return refuse(ErrorCode::invalid_request,
                     "Request specific response headers cannot be used for anonymous GET "
                     "requests.");
  }
  store::MappedPath path;
  store::map(*request.key, path);
  store::ObjectCache& objects = request.service.objects();
  auto object = objects.find(request.bucket(), path);
  if (!object) {
    auto opened = co_await objects.open(request.bucket(), path, request.key->view());
    if (!opened) co_return std::unexpected(co_await object_error(request, opened.error()));
    object = std::move(*opened);
  }
  co_return co_await answer(request, object);
}

}  // namespace millrace::s3::handlers
