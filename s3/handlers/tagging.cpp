// GetObjectTagging, PutObjectTagging, DeleteObjectTagging; and the tags that come with an object.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_tags.h"
#include "s3/permission.h"
#include "s3/service.h"
#include "s3/store/read.h"
#include "s3/xml/tagging_document.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

Task<Outcome<>> set_tags(Request& request, const store::PackedPairs& tags) {
  store::MappedPath path;
  store::map(*request.key, path);
  const auto done = co_await request.service.store().set_tags(
      request.bucket(), path, request.key->view(), tags, request.asker());
  if (!done) co_return std::unexpected(co_await object_error(request, done.error()));
  co_return Outcome<>{};
}

}  // namespace

Outcome<> take_tags(const http::Head& head, store::MetadataView& meta, TagSet& tags) {
  const std::string_view text = head.value("x-amz-tagging");
  if (text.empty()) return {};
  if (const auto parsed = tags.parse(text); !parsed) return parsed;
  meta.tags = tags.packed();
  return {};
}

Task<Outcome<>> may_tag(Request& request, const store::PackedPairs& tags) {
  if (tags.empty()) co_return Outcome<>{};
  co_return co_await check_permission(
      request,
      {.action = "s3:PutObjectTagging", .bucket = request.bucket(), .key = request.key->view()});
}

Task<Outcome<>> get_object_tagging(Request& request) {
  store::MappedPath path;
  store::map(*request.key, path);
  store::OpenObject object;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), path,
                                  request.key->view(), store::Detail::full, object);
  if (!opened) co_return std::unexpected(co_await object_error(request, opened.error()));
  co_return co_await send_xml(request, xml::tagging_document(object.meta.tags));
}

Task<Outcome<>> put_object_tagging(Request& request) {
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto sent = xml::parse_tagging(*document);
  if (!sent) co_return std::unexpected(sent.error());
  TagSet tags;
  if (const auto taken = tags.take(*sent); !taken) co_return taken;
  if (const auto done = co_await set_tags(request, tags.packed()); !done) co_return done;
  request.begin(200);
  co_return co_await send_empty(request);
}

Task<Outcome<>> delete_object_tagging(Request& request) {
  if (const auto done = co_await set_tags(request, {}); !done) co_return done;
  request.begin(204);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
