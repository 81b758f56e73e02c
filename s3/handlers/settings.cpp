// See settings.h.
#include "s3/handlers/settings.h"

#include "s3/handlers/answers.h"
#include "s3/service.h"

namespace millrace::s3::handlers {

using engine::Task;

S3Error setting_error(engine::Error error) {
  if (error.code == engine::Errc::corrupt || error.code == engine::Errc::unsupported) {
    return {.code = ErrorCode::internal_error,
            .detail = "The settings of the bucket cannot be read."};
  }
  return bucket_error(error);
}

Task<Outcome<std::string>> load_setting(Request& request, store::Setting setting, ErrorCode unset) {
  auto content =
      co_await store::read_setting(request.service.store().options(), request.bucket(), setting);
  if (!content) co_return std::unexpected(setting_error(content.error()));
  if (!*content) co_return refuse(unset);
  co_return std::move(**content);
}

namespace {

// What this shard remembers of the bucket's policy ends, also where it is unknown what was done.
void forget_policy(Request& request, store::Setting setting) {
  if (setting == store::Setting::policy) request.service.policies().forget(request.bucket());
}

}  // namespace

Task<Outcome<>> put_setting(Request& request, store::Setting setting, std::string_view content,
                            int status) {
  const auto written = co_await store::write_setting(request.service.store().options(),
                                                     request.bucket(), setting, content);
  forget_policy(request, setting);
  if (!written) co_return std::unexpected(setting_error(written.error()));
  request.begin(status);
  co_return co_await send_empty(request);
}

Task<Outcome<>> delete_setting(Request& request, store::Setting setting) {
  const auto removed =
      co_await store::remove_setting(request.service.store().options(), request.bucket(), setting);
  forget_policy(request, setting);
  if (!removed) co_return std::unexpected(setting_error(removed.error()));
  request.begin(204);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
