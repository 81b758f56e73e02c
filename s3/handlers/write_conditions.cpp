// See write_conditions.h.
#include "s3/handlers/write_conditions.h"

#include "http/date.h"
#include "s3/auth/amz_time.h"
#include "s3/handlers/answers.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/read.h"

#include <algorithm>
#include <array>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view if_match_name = "if-match";
constexpr std::string_view time_name = "x-amz-if-match-last-modified-time";
constexpr std::string_view size_name = "x-amz-if-match-size";

// An empty value would be read as no condition.
Outcome<std::string_view> if_match_of(const http::Head& head) {
  const auto* field = head.find(if_match_name);
  if (field == nullptr) return std::string_view();
  if (field->value.empty()) {
    return refuse_argument("The entity tag is empty.", if_match_name, field->value);
  }
  return field->value;
}

}  // namespace

Outcome<store::WriteConditions> write_conditions(const http::Head& head) {
  store::WriteConditions conditions;
  const auto* none = head.find("if-none-match");
  const auto match = if_match_of(head);
  if (!match) return std::unexpected(match.error());
  if (none != nullptr && (!match->empty() || none->value != "*")) {
    return std::unexpected(S3Error{ErrorCode::not_implemented,
                                   {},
                                   match->empty() ? none->name : "If-Match",
                                   match->empty() ? none->value : *match});
  }
  conditions.must_not_exist = none != nullptr;
  conditions.if_match = *match;
  return conditions;
}

Outcome<store::WriteConditions> removal_conditions(Request& request) {
  const http::Head& head = request.head();
  store::WriteConditions conditions;
  const auto match = if_match_of(head);
  if (!match) return std::unexpected(match.error());
  conditions.if_match = *match;
  if (const auto* field = head.find(time_name); field != nullptr) {
    conditions.modified_seconds = parse_condition_time(
        field->value, static_cast<std::int64_t>(request.service.shard().wall_seconds()));
    if (!conditions.modified_seconds) {
      return refuse_argument("This is no date.", time_name, field->value);
    }
  }
  if (const auto* field = head.find(size_name); field != nullptr) {
    conditions.size_bytes = parse_decimal(field->value, ~0ULL);
    if (!conditions.size_bytes) {
      return refuse_argument("This is no number of bytes.", size_name, field->value);
    }
  }
  return conditions;
}

Task<Outcome<>> check_early(Request& request, store::MappedPath& path,
                            const store::WriteConditions& conditions) {
  if (!conditions.any()) co_return Outcome<>{};
  store::OpenObject object;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), path,
                                  request.key->view(), store::Detail::head, object);
  engine::Result<> held;
  if (opened) {
    held = store::check_conditions(conditions, object);
  } else if (opened.error().is(ENOENT)) {
    held = store::check_absent(conditions);
    // A bucket that is missing, too, has an error of its own.
    if (!held) co_return std::unexpected(co_await object_error(request, opened.error()));
  }
  if (!held) co_return std::unexpected(change_error(held.error()));
  co_return Outcome<>{};
}

std::optional<std::int64_t> parse_condition_time(std::string_view text, std::int64_t now_seconds) {
  if (const auto seconds = http::parse_http_date(text, now_seconds)) return seconds;
  // 2013-05-24T00:00:00Z, with a fraction or without one, to its compact spelling.
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size()) return std::nullopt;
  std::array<char, 16> compact;
  auto* end = compact.data();
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool separator = form[i] == '-' || form[i] == ':';
    if (separator && text[i] != form[i]) return std::nullopt;
    if (!separator) *end++ = text[i];
  }
  *end = 'Z';
  text.remove_prefix(form.size());
  if (text.starts_with('.')) {
    text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
  }
  if (text != "Z" && text != "+00:00") return std::nullopt;
  return parse_amz_time({compact.data(), compact.size()});
}

S3Error change_error(engine::Error error) {
  if (error.is(EEXIST)) return {.code = ErrorCode::precondition_failed};
  return bucket_error(error);
}

}  // namespace millrace::s3::handlers
