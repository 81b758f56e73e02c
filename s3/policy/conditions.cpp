// See conditions.h.
#include "s3/policy/conditions.h"

#include "s3/policy/pattern.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

namespace millrace::s3::policy {

namespace {

// What values an operator compares.
enum class Values : std::uint8_t { texts, numbers, times, truths, networks, absences };

struct Operator {
  std::string_view name;
  Values values;
  Comparison comparison;
  bool negated = false;
  bool ignore_case = false;
};

constexpr std::array operators = {
    Operator{"StringEquals", Values::texts, Comparison::text},
    Operator{"StringNotEquals", Values::texts, Comparison::text, true},
    Operator{"StringEqualsIgnoreCase", Values::texts, Comparison::text, false, true},
    Operator{"StringNotEqualsIgnoreCase", Values::texts, Comparison::text, true, true},
    Operator{"StringLike", Values::texts, Comparison::pattern},
    Operator{"StringNotLike", Values::texts, Comparison::pattern, true},
    Operator{"NumericEquals", Values::numbers, Comparison::equal},
    Operator{"NumericNotEquals", Values::numbers, Comparison::equal, true},
    Operator{"NumericLessThan", Values::numbers, Comparison::less},
    Operator{"NumericLessThanEquals", Values::numbers, Comparison::less_or_equal},
    Operator{"NumericGreaterThan", Values::numbers, Comparison::greater},
    Operator{"NumericGreaterThanEquals", Values::numbers, Comparison::greater_or_equal},
    Operator{"DateEquals", Values::times, Comparison::equal},
    Operator{"DateNotEquals", Values::times, Comparison::equal, true},
    Operator{"DateLessThan", Values::times, Comparison::less},
    Operator{"DateLessThanEquals", Values::times, Comparison::less_or_equal},
    Operator{"DateGreaterThan", Values::times, Comparison::greater},
    Operator{"DateGreaterThanEquals", Values::times, Comparison::greater_or_equal},
    Operator{"Bool", Values::truths, Comparison::truth},
    Operator{"IpAddress", Values::networks, Comparison::network},
    Operator{"NotIpAddress", Values::networks, Comparison::network, true},
    Operator{"Null", Values::absences, Comparison::absence},
};

bool takes(Values values, Key key) {
  switch (kind_of(key)) {
    case KeyKind::text: return values == Values::texts || values == Values::absences;
    case KeyKind::number:
      return values != Values::times && values != Values::networks && values != Values::truths;
    case KeyKind::boolean: return values == Values::truths || values == Values::absences;
    case KeyKind::time:
      return values == Values::times || values == Values::absences ||
             (values == Values::numbers && key == Key::epoch_time);
    case KeyKind::address: return values == Values::networks || values == Values::absences;
  }
  return false;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_truth(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return 1;
  if (equal_ignoring_case(text, "false")) return 0;
  return std::nullopt;
}

// Digits alone, of a fixed count, then the separator.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count, char separator) {
  if (text.size() < count) return std::nullopt;
  unsigned number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(count);
  if (separator == '\0') return number;
  if (!text.starts_with(separator)) return std::nullopt;
  text.remove_prefix(1);
  return number;
}

// 2013-06-30, 2013-06-30T00:00:00Z (ISO 8601), or seconds since 1970.
std::optional<std::int64_t> parse_time(std::string_view text) {
  if (const auto seconds = parse_number(text)) return seconds;
  const auto year = take_digits(text, 4, '-');
  const auto month = take_digits(text, 2, '-');
  const auto day = take_digits(text, 2, '\0');
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  if (text.empty()) return days * 86'400;
  if (!text.starts_with('T')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = take_digits(text, 2, ':');
  const auto minute = take_digits(text, 2, ':');
  const auto second = take_digits(text, 2, 'Z');
  if (!hour || !minute || !second || !text.empty()) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return days * 86'400 + *hour * 3600 + *minute * 60 + *second;
}

std::optional<Address> parse_address(const std::string& text) {
  Address v4{.bytes = {}, .v4 = true};
  if (::inet_pton(AF_INET, text.c_str(), v4.bytes.data() + 12) == 1) return v4;
  Address v6;
  if (::inet_pton(AF_INET6, text.c_str(), v6.bytes.data()) == 1) return v6;
  return std::nullopt;
}

// An address, or one with the count of its leading bits.
std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(std::string(text.substr(0, slash)));
  if (!address) return std::nullopt;
  Network network{.address = *address, .bits = address->v4 ? 32U : 128U};
  if (slash != std::string_view::npos) {
    const auto bits = parse_number(text.substr(slash + 1));
    if (!bits || *bits < 0 || *bits > network.bits) return std::nullopt;
    network.bits = static_cast<unsigned>(*bits);
  }
  constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!address->v4 && network.bits >= 96 &&
      std::ranges::equal(mapped, std::span(address->bytes).first(12))) {
    network.address.v4 = true;
    network.bits -= 96;
  }
  return network;
}

bool take_value(const std::string& value, Values values, Condition& condition) {
  std::optional<std::int64_t> number;
  switch (values) {
    case Values::texts: condition.texts.push_back(value); return true;
    case Values::networks: {
      const auto network = parse_network(value);
      if (network) condition.networks.push_back(*network);
      return network.has_value();
    }
    case Values::numbers: number = parse_number(value); break;
    case Values::times: number = parse_time(value); break;
    case Values::truths:
    case Values::absences: number = parse_truth(value); break;
  }
  if (number) condition.numbers.push_back(*number);
  return number.has_value();
}

}  // namespace

std::expected<Condition, std::string> make_condition(std::string_view operator_name,
                                                     std::string_view key_name,
                                                     std::span<const std::string> values) {
  constexpr std::string_view if_exists = "IfExists";
  std::string_view name = operator_name;
  const bool optional = name.ends_with(if_exists) && !name.starts_with("Null");
  if (optional) name.remove_suffix(if_exists.size());
  const auto found = std::ranges::find(operators, name, &Operator::name);
  if (found == operators.end()) {
    return std::unexpected("Invalid Condition type : " + std::string(operator_name));
  }
  const auto key = key_of_name(key_name);
  if (!key) return std::unexpected("Policy has an invalid condition key");
  if (!takes(found->values, *key)) {
    return std::unexpected("Condition operator " + std::string(operator_name) +
                           " does not apply to the condition key " + std::string(key_name));
  }
  Condition condition{.key = *key,
                      .comparison = found->comparison,
                      .negated = found->negated,
                      .ignore_case = found->ignore_case,
                      .if_exists = optional,
                      .texts = {},
                      .numbers = {},
                      .networks = {}};
  if (values.empty()) return std::unexpected("Missing value of a condition");
  for (const std::string& value : values) {
    if (!take_value(value, found->values, condition)) {
      return std::unexpected("Invalid value in Condition : " + value);
    }
  }
  return condition;
}

}  // namespace millrace::s3::policy
