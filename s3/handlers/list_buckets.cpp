// ListBuckets, whole or in pages.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/limits.h"
#include "s3/listing.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/bucket.h"
#include "s3/xml/writer.h"

#include <algorithm>
#include <span>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

struct Wanted {
  std::string_view prefix;
  std::string_view region;  // empty: any
  std::string after;        // the last name of the page before
  std::size_t buckets_max = limits::buckets_page_max;
  bool paged = false;  // any of the parameters was sent
};

Outcome<Wanted> parse(Request& request) {
  Wanted wanted;
  request.decoded.resize(request.query.text().size() + 1);
  DecodeArena arena(request.decoded);
  std::string_view count;
  std::string_view token;
  const std::pair<std::string_view, std::string_view*> known[] = {{"prefix", &wanted.prefix},
                                                                  {"bucket-region", &wanted.region},
                                                                  {"max-buckets", &count},
                                                                  {"continuation-token", &token}};
  for (const auto& [name, value] : known) {
    const auto parameter = request.query.find(name);
    if (!parameter) continue;
    const auto text = arena.decode(parameter->value, UriPart::query);
    if (!text) return std::unexpected(text.error());
    *value = *text;
    wanted.paged = true;
  }
  if (!count.empty()) {
    const auto number = parse_decimal(count, limits::buckets_page_max);
    if (!number || *number == 0) {
      return refuse_argument("max-buckets must be between 1 and 10000", "max-buckets", count);
    }
    wanted.buckets_max = *number;
  }
  if (!token.empty()) {
    const auto read = decode_token(token, wanted.after);
    if (!read) return std::unexpected(read.error());
  }
  return wanted;
}

std::string document_of(const Request& request, const Wanted& wanted,
                        std::span<const store::BucketInfo> page, bool more) {
  const ServiceOptions& options = request.service.options();
  std::string document;
  xml::Writer writer(document);
  writer.open_root("ListAllMyBucketsResult");
  writer.open("Owner");
  writer.text("ID", options.owner_name);
  writer.text("DisplayName", options.owner_name);
  writer.close();
  writer.open("Buckets");
  for (const store::BucketInfo& bucket : page) {
    writer.open("Bucket");
    writer.text("Name", bucket.name);
    writer.time("CreationDate", bucket.created_ms);
    if (wanted.paged) writer.text("BucketRegion", options.region);
    writer.close();
  }
  writer.close();
  if (!wanted.prefix.empty()) writer.text("Prefix", wanted.prefix);
  if (more) {
    std::string token;
    append_token(token, page.back().name);
    writer.text("ContinuationToken", token);
  }
  writer.close();
  return document;
}

}  // namespace

Task<Outcome<>> list_buckets(Request& request) {
  const auto wanted = parse(request);
  if (!wanted) co_return std::unexpected(wanted.error());
  auto buckets = co_await store::list_buckets(request.service.store().options());
  if (!buckets) co_return refuse(error_code_of(buckets.error()));
  const bool elsewhere =
      !wanted->region.empty() && wanted->region != request.service.options().region;
  std::erase_if(*buckets, [&](const store::BucketInfo& each) {
    return elsewhere || !each.name.starts_with(wanted->prefix) || each.name <= wanted->after;
  });
  const std::size_t count = std::min(buckets->size(), wanted->buckets_max);
  const bool more = count < buckets->size();
  co_return co_await send_xml(
      request, document_of(request, *wanted, std::span(*buckets).first(count), more));
}

}  // namespace millrace::s3::handlers
