// Operations on buckets themselves, and their list.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/service.h"
#include "s3/store/bucket.h"
#include "s3/xml/reader.h"
#include "s3/xml/writer.h"

#include <algorithm>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// us-east-1 is the one region that has no name in a location.
constexpr std::string_view unnamed_region = "us-east-1";

const store::StoreOptions& store_options(const Request& request) {
  return request.service.store().options();
}

// Whether it looks like one: "eu-central-1", or the old name of one.
bool is_region(std::string_view text) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  const bool numbered =
      text.size() > 2 && text[text.size() - 2] == '-' && text.back() >= '0' && text.back() <= '9';
  return text == "EU" || (plain && numbered);
}

Outcome<> check_location(Request& request, std::string_view constraint) {
  const std::string& region = request.service.options().region;
  if (constraint.empty() || constraint == region) return {};
  if (constraint == "EU" && region == "eu-west-1") return {};
  request.error_details.push_back({"LocationConstraint", std::string(constraint)});
  return refuse(is_region(constraint) ? ErrorCode::illegal_location_constraint
                                      : ErrorCode::invalid_location_constraint);
}

// Those who make the last one at the same moment may be one each over it.
Task<Outcome<>> check_room(const Request& request) {
  const std::uint32_t buckets_max = request.service.options().buckets_max;
  if (buckets_max == 0) co_return Outcome<>{};
  const auto buckets = co_await store::list_buckets(store_options(request));
  if (!buckets) co_return refuse(error_code_of(buckets.error()));
  const bool there = std::ranges::any_of(
      *buckets, [&](const store::BucketInfo& each) { return each.name == request.bucket(); });
  if (!there && buckets->size() >= buckets_max) co_return refuse(ErrorCode::too_many_buckets);
  co_return Outcome<>{};
}

}  // namespace

Task<Outcome<>> create_bucket(Request& request) {
  auto document = co_await read_document(request, false);
  if (!document) co_return std::unexpected(document.error());
  if (!document->empty()) {
    const auto configuration = xml::parse_bucket_configuration(*document);
    if (!configuration) co_return std::unexpected(configuration.error());
    const auto location = check_location(request, configuration->location_constraint);
    if (!location) co_return location;
  }
  if (const auto room = co_await check_room(request); !room) co_return room;
  const auto made = co_await store::create_bucket(store_options(request), request.bucket(),
                                                  request.sender(), ownership(request));
  if (!made && made.error().is(EEXIST)) {
    // AWS answers 200 to a repeated creation in us-east-1, and this error everywhere else.
    if (request.service.options().region != unnamed_region) {
      co_return refuse(ErrorCode::bucket_already_owned_by_you);
    }
  } else if (!made) {
    co_return refuse(made.error().is(ENOTDIR) ? ErrorCode::bucket_already_exists
                                              : error_code_of(made.error()));
  }
  const std::string location = "/" + std::string(request.bucket());
  std::ignore = request.begin(200).field("Location", location);
  co_return co_await send_empty(request);
}

Task<Outcome<>> head_bucket(Request& request) {
  const auto there = co_await store::bucket_exists(store_options(request), request.bucket());
  if (!there) co_return refuse(error_code_of(there.error()));
  if (!*there) co_return refuse(ErrorCode::no_such_bucket);
  http::HeadWriter& head = request.begin(200);
  std::ignore = head.field("x-amz-bucket-region", request.service.options().region);
  std::ignore = head.field("x-amz-access-point-alias", "false");
  std::ignore = head.field("Content-Type", "application/xml");
  co_return co_await send_empty(request);
}

Task<Outcome<>> delete_bucket(Request& request) {
  const auto gone = co_await store::delete_bucket(store_options(request), request.bucket());
  if (!gone) {
    if (gone.error().is(ENOTEMPTY)) co_return refuse(ErrorCode::bucket_not_empty);
    co_return std::unexpected(bucket_error(gone.error()));
  }
  request.begin(204);
  co_return co_await send_empty(request);
}

Task<Outcome<>> get_bucket_location(Request& request) {
  const auto there = co_await store::bucket_exists(store_options(request), request.bucket());
  if (!there) co_return refuse(error_code_of(there.error()));
  if (!*there) co_return refuse(ErrorCode::no_such_bucket);
  const std::string& region = request.service.options().region;
  std::string document;
  {
    xml::Writer writer(document);
    writer.open_root("LocationConstraint");
    if (region != unnamed_region) xml::append_escaped(document, region);
    writer.close();
  }
  co_return co_await send_xml(request, document);
}

}  // namespace millrace::s3::handlers
