// DeleteObject.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/write_conditions.h"
#include "s3/service.h"

namespace millrace::s3::handlers {

using engine::Task;

Task<Outcome<>> delete_object(Request& request) {
  const auto conditions = removal_conditions(request);
  if (!conditions) co_return std::unexpected(conditions.error());
  store::MappedPath path;
  store::map(*request.key, path);
  const auto removed = co_await request.service.store().remove(
      request.bucket(), path, request.key->view(), *conditions, request.asker());
  if (!removed) co_return std::unexpected(change_error(removed.error()));
  request.begin(204);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
