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

Task<Outcome<>> save_setting(Request& request, store::Setting setting, std::string_view content) {
  const auto written = co_await store::write_setting(request.service.store().options(),
                                                     request.bucket(), setting, content);
  if (!written) co_return std::unexpected(setting_error(written.error()));
  co_return Outcome<>{};
}

Task<Outcome<>> drop_setting(Request& request, store::Setting setting) {
  const auto removed =
      co_await store::remove_setting(request.service.store().options(), request.bucket(), setting);
  if (!removed) co_return std::unexpected(setting_error(removed.error()));
  co_return Outcome<>{};
}

}  // namespace millrace::s3::handlers
