// See policy.h.
#include "s3/post/policy.h"

#include "http/grammar.h"
#include "s3/digest/encoding.h"
#include "s3/query.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace millrace::s3::post {

namespace {

using Json = nlohmann::json;

std::unexpected<PolicyFailure> invalid(std::string message) {
  return std::unexpected(
      PolicyFailure{ErrorCode::invalid_policy_document, "Invalid Policy: " + std::move(message)});
}

std::unexpected<PolicyFailure> denied(std::string message) {
  return std::unexpected(PolicyFailure{ErrorCode::access_denied,
                                       "Invalid according to Policy: " + std::move(message)});
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), http::grammar::lower);
  return out;
}

// "\$" stands for "$"; JSON itself does not know it, so it comes as "\\$" too.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$') continue;
    out.push_back(text[i]);
  }
  return out;
}

// AWS's own examples have "\$" in strings, which JSON has not.
std::string as_json(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    if (escape && text[i + 1] == '$') {
      out.append("\\\\$");
      ++i;
    } else if (escape) {
      out.append(text.substr(i, 2));
      ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::optional<std::uint64_t> number_of(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_string()) return parse_decimal(value.get_ref<const std::string&>(), ~0ULL);
  return std::nullopt;
}

PolicyResult<> take_simple(const Json& condition, PostPolicy& policy) {
  if (condition.size() != 1) {
    return invalid(
        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
  }
  const auto item = condition.begin();
  if (!item->is_string()) {
    return invalid("Invalid Simple-Condition: value must be a string.");
  }
  policy.conditions.push_back({.prefix = false,
                               .field = lower(item.key()),
                               .value = unescaped(item->get_ref<const std::string&>())});
  return {};
}

PolicyResult<> take_range(const Json& condition, PostPolicy& policy) {
  const auto low = number_of(condition[1]);
  const auto high = number_of(condition[2]);
  if (!low || !high || *low > *high) {
    return invalid("Invalid content-length-range: two numbers are needed, the smaller one first.");
  }
  policy.bytes_min = std::max(policy.bytes_min, *low);
  policy.bytes_max = std::min(policy.bytes_max, *high);
  return {};
}

PolicyResult<> take_listed(const Json& condition, PostPolicy& policy) {
  if (condition.size() != 3 || !condition[0].is_string()) {
    return invalid("Invalid Condition: a list of three elements is needed.");
  }
  const std::string kind = lower(condition[0].get_ref<const std::string&>());
  if (kind == "content-length-range") return take_range(condition, policy);
  if (kind != "eq" && kind != "starts-with") {
    return invalid(fmt::format("Invalid Condition: unknown operation '{}'.", kind));
  }
  if (!condition[1].is_string() || !condition[2].is_string()) {
    return invalid("Invalid Condition: field and value must be strings.");
  }
  const auto& field = condition[1].get_ref<const std::string&>();
  if (field.size() < 2 || field.front() != '$') {
    return invalid("Invalid Condition: a field begins with '$'.");
  }
  policy.conditions.push_back({.prefix = kind == "starts-with",
                               .field = lower(std::string_view(field).substr(1)),
                               .value = unescaped(condition[2].get_ref<const std::string&>())});
  return {};
}

PolicyResult<> take_conditions(const Json& conditions, PostPolicy& policy) {
  for (const Json& condition : conditions) {
    PolicyResult<> taken = invalid("Invalid Condition: neither an object nor a list.");
    if (condition.is_object()) taken = take_simple(condition, policy);
    if (condition.is_array()) taken = take_listed(condition, policy);
    if (!taken) return taken;
  }
  return {};
}

// A prefix of Content-Type must be one of every type in a list.
bool every_begins_with(std::string_view list, std::string_view prefix) {
  std::string_view element;
  while (http::grammar::next_element(list, element)) {
    if (!element.starts_with(prefix)) return false;
  }
  return true;
}

bool holds(const PolicyCondition& condition, std::string_view value) {
  if (!condition.prefix) return value == condition.value;
  if (condition.field == "content-type" && value.find(',') != std::string_view::npos) {
    return every_begins_with(value, condition.value);
  }
  return value.starts_with(condition.value);
}

bool needs_no_condition(std::string_view lower_name) {
  return lower_name == "policy" || lower_name == "x-amz-signature" ||
         lower_name.starts_with("x-ignore-");
}

bool is_covered(const PostPolicy& policy, std::string_view lower_name) {
  return std::ranges::any_of(policy.conditions, [&](const PolicyCondition& condition) {
    return condition.field == lower_name;
  });
}

}  // namespace

std::optional<std::int64_t> parse_expiration(std::string_view text) {
  // 0123456789012345678
  // YYYY-MM-DDTHH:MM:SS
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'd' ? !http::grammar::is_digit(text[i]) : text[i] != shape[i]) {
      return std::nullopt;
    }
  }
  std::string_view rest = text.substr(shape.size());
  if (rest.front() == '.') {
    rest.remove_prefix(1);
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    rest.remove_prefix(digits);
  }
  if (rest != "Z") return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t count) {
    return static_cast<int>(parse_decimal(text.substr(at, count), 9999).value_or(0));
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * 86'400 + number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
}

PolicyResult<PostPolicy> parse_policy(std::string_view base64) {
  std::vector<std::uint8_t> bytes(base64.size());
  const auto size = base64_decode(base64, bytes);
  if (!size) return invalid("It is not base64.");
  const std::string text = as_json({reinterpret_cast<const char*>(bytes.data()), *size});
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object()) return invalid("Invalid JSON.");
  PostPolicy policy;
  const auto expiration = document.find("expiration");
  if (expiration == document.end()) return invalid("Policy is missing expiration.");
  const auto expires = expiration->is_string()
                           ? parse_expiration(expiration->get_ref<const std::string&>())
                           : std::nullopt;
  if (!expires) return invalid("Invalid 'expiration' value.");
  policy.expires_unix_seconds = *expires;
  const auto conditions = document.find("conditions");
  if (conditions == document.end() || !conditions->is_array()) {
    return invalid("Policy is missing conditions.");
  }
  if (auto taken = take_conditions(*conditions, policy); !taken) {
    return std::unexpected(std::move(taken.error()));
  }
  return policy;
}

PolicyResult<> check_policy(const PostPolicy& policy, std::span<const FormField> fields,
                            std::string_view bucket, std::int64_t now_unix_seconds) {
  if (policy.expires_unix_seconds <= now_unix_seconds) return denied("Policy expired.");
  for (const PolicyCondition& condition : policy.conditions) {
    std::string_view value;
    if (condition.field == "bucket") value = bucket;
    for (const FormField& field : fields) {
      if (http::grammar::equal_ignoring_case(field.name, condition.field)) value = field.value;
    }
    const bool of_bucket = condition.field == "bucket";
    if (holds(condition, value) && (!of_bucket || holds(condition, bucket))) continue;
    return denied(fmt::format("Policy Condition failed: [\"{}\", \"${}\", \"{}\"]",
                              condition.prefix ? "starts-with" : "eq", condition.field,
                              condition.value));
  }
  if (!is_covered(policy, "bucket")) return denied("Extra input fields: bucket");
  for (const FormField& field : fields) {
    const std::string name = lower(field.name);
    if (needs_no_condition(name) || is_covered(policy, name)) continue;
    return denied("Extra input fields: " + name);
  }
  return {};
}

}  // namespace millrace::s3::post
