// DeleteObject and DeleteObjects.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/service.h"
#include "s3/store/bucket.h"
#include "s3/xml/reader.h"
#include "s3/xml/writer.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

Task<Outcome<>> remove_one(Request& request, const store::Key& key) {
  store::MappedPath path;
  store::map(key, path);
  const auto removed =
      co_await request.service.store().remove(request.bucket(), path, key.view(), request.asker());
  if (!removed) co_return std::unexpected(bucket_error(removed.error()));
  co_return Outcome<>{};
}

Task<Outcome<>> remove_entry(Request& request, const xml::DeleteEntry& entry) {
  if (!entry.version_id.empty() && entry.version_id != "null") {
    co_return refuse(ErrorCode::no_such_version);
  }
  if (!entry.etag.empty() || !entry.last_modified_time.empty() || !entry.size.empty()) {
    co_return refuse(ErrorCode::not_implemented);
  }
  const auto key = store::Key::from_decoded(entry.key);
  if (!key) {
    co_return refuse(key.error() == store::KeyError::too_long ? ErrorCode::key_too_long
                                                              : ErrorCode::invalid_argument);
  }
  co_return co_await remove_one(request, *key);
}

}  // namespace

Task<Outcome<>> delete_object(Request& request) {
  const auto removed = co_await remove_one(request, *request.key);
  if (!removed) co_return removed;
  request.begin(204);
  co_return co_await send_empty(request);
}

Task<Outcome<>> delete_objects(Request& request) {
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto wanted = xml::parse_delete(*document);
  if (!wanted) co_return std::unexpected(wanted.error());
  const auto there =
      co_await store::bucket_exists(request.service.store().options(), request.bucket());
  if (!there) co_return refuse(error_code_of(there.error()));
  if (!*there) co_return refuse(ErrorCode::no_such_bucket);

  std::string answer;
  {
    xml::Writer writer(answer);
    writer.open_root("DeleteResult");
    for (const xml::DeleteEntry& entry : wanted->objects) {
      const auto removed = co_await remove_entry(request, entry);
      if (removed && wanted->quiet) continue;
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
  }
  co_return co_await send_xml(request, answer);
}

}  // namespace millrace::s3::handlers
