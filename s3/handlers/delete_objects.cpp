// DeleteObjects: up to 1,000 keys, some of them at a time, answered in the order they were sent.
#include "engine/group.h"
#include "s3/digest/checksum.h"
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/permission.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/bucket.h"
#include "s3/xml/reader.h"
#include "s3/xml/writer.h"

#include <algorithm>
#include <vector>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// A body that was damaged on its way could name another object.
bool is_guarded(const http::Head& head) {
  if (head.find("content-md5") != nullptr || head.find("x-amz-trailer") != nullptr) return true;
  return std::ranges::any_of(head.fields(), [](const http::Field& field) {
    return checksum_of_header(field.name).has_value();
  });
}

Outcome<store::WriteConditions> entry_conditions(const xml::DeleteEntry& entry,
                                                 std::int64_t now_seconds) {
  store::WriteConditions conditions{.if_match = entry.etag};
  if (!entry.last_modified_time.empty()) {
    conditions.modified_seconds = parse_condition_time(entry.last_modified_time, now_seconds);
    if (!conditions.modified_seconds) return refuse(ErrorCode::malformed_xml);
  }
  if (!entry.size.empty()) {
    conditions.size_bytes = parse_decimal(entry.size, ~0ULL);
    if (!conditions.size_bytes) return refuse(ErrorCode::malformed_xml);
  }
  return conditions;
}

class Removals {
 public:
  Removals(Request& request, const xml::DeleteRequest& wanted)
      : request_(request), entries_(wanted.objects), results_(entries_.size()) {}
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  // Everything that can be wrong with the list, before anything is removed.
  Outcome<> prepare() {
    const auto now = static_cast<std::int64_t>(request_.service.shard().wall_seconds());
    conditions_.reserve(entries_.size());
    for (const xml::DeleteEntry& entry : entries_) {
      const auto conditions = entry_conditions(entry, now);
      if (!conditions) return std::unexpected(conditions.error());
      conditions_.push_back(*conditions);
    }
    return {};
  }

  Task<> run() {
    engine::TaskGroup group;
    const std::size_t beside = std::min(entries_.size(), limits::delete_objects_beside_max);
    for (std::size_t i = 0; i < beside; ++i) group.adopt(work());
    co_await group.join();
  }

  std::span<const Outcome<>> results() const { return results_; }

 private:
  Task<> work() {
    while (next_ < entries_.size()) {
      const std::size_t index = next_++;
      results_[index] = co_await remove(index);
    }
  }

  Task<Outcome<>> remove(std::size_t index) {
    const xml::DeleteEntry& entry = entries_[index];
    if (!entry.version_id.empty() && entry.version_id != "null") {
      co_return refuse(ErrorCode::no_such_version);
    }
    const auto key = store::Key::from_decoded(entry.key);
    if (!key) {
      co_return refuse(key.error() == store::KeyError::too_long ? ErrorCode::key_too_long
                                                                : ErrorCode::invalid_argument);
    }
    const auto allowed = co_await check_permission(
        request_, {.action = "s3:DeleteObject", .bucket = request_.bucket(), .key = key->view()});
    if (!allowed) co_return allowed;
    store::MappedPath path;
    store::map(*key, path);
    const auto removed = co_await request_.service.store().remove(
        request_.bucket(), path, key->view(), conditions_[index], request_.asker());
    if (!removed) co_return std::unexpected(change_error(removed.error()));
    co_return Outcome<>{};
  }

  Request& request_;
  const std::span<const xml::DeleteEntry> entries_;
  std::vector<store::WriteConditions> conditions_;
  std::vector<Outcome<>> results_;
  std::size_t next_ = 0;
};

std::string deletion_document(const xml::DeleteRequest& wanted,
                              std::span<const Outcome<>> results) {
  std::string document;
  xml::Writer writer(document);
  writer.open_root("DeleteResult");
  for (std::size_t index = 0; index < results.size(); ++index) {
    const Outcome<>& removed = results[index];
    if (removed && wanted.quiet) continue;
    const xml::DeleteEntry& entry = wanted.objects[index];
    writer.open(removed ? "Deleted" : "Error");
    writer.key("Key", entry.key, xml::KeyEncoding::plain);
    if (!entry.version_id.empty()) writer.text("VersionId", entry.version_id);
    if (!removed) {
      writer.text("Code", code_text(removed.error().code));
      writer.text("Message", removed.error().message());
    }
    writer.close();
  }
  writer.close();
  return document;
}

}  // namespace

Task<Outcome<>> delete_objects(Request& request) {
  if (request.head().has_body() && !is_guarded(request.head())) {
    co_return refuse(ErrorCode::invalid_request,
                     "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto wanted = xml::parse_delete(*document);
  if (!wanted) co_return std::unexpected(wanted.error());
  Removals removals(request, *wanted);
  if (const auto ready = removals.prepare(); !ready) co_return ready;
  const auto there =
      co_await store::bucket_exists(request.service.store().options(), request.bucket());
  if (!there) co_return refuse(error_code_of(there.error()));
  if (!*there) co_return refuse(ErrorCode::no_such_bucket);
  co_await removals.run();
  co_return co_await send_xml(request, deletion_document(*wanted, removals.results()));
}

}  // namespace millrace::s3::handlers
