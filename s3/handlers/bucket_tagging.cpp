// GetBucketTagging, PutBucketTagging, DeleteBucketTagging: the set is kept as its document.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/settings.h"
#include "s3/tags.h"
#include "s3/xml/tagging_document.h"

namespace millrace::s3::handlers {

using engine::Task;
using store::Setting;

Task<Outcome<>> get_bucket_tagging(Request& request) {
  const auto text = co_await load_setting(request, Setting::tagging, ErrorCode::no_such_tag_set);
  if (!text) co_return std::unexpected(text.error());
  co_return co_await send_xml(request, *text);
}

Task<Outcome<>> put_bucket_tagging(Request& request) {
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto tags = xml::parse_tagging(*document);
  if (!tags) co_return std::unexpected(tags.error());
  if (const auto checked = check_tags(*tags, bucket_tag_rules()); !checked) co_return checked;
  co_return co_await put_setting(request, Setting::tagging, xml::tagging_document(std::span(*tags)),
                                 204);
}

Task<Outcome<>> delete_bucket_tagging(Request& request) {
  co_return co_await delete_setting(request, Setting::tagging);
}

}  // namespace millrace::s3::handlers
