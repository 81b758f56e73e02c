// Conditional requests.
#include "http/conditions.h"

#include "http/date.h"
#include "http/grammar.h"

namespace millrace::http {
namespace {

struct Tag {
  std::string_view opaque;
  bool weak = false;
};

// Takes one tag off `rest`: W/"x", "x" or a bare x. Nothing if it is none of these.
std::optional<Tag> take_tag(std::string_view& rest) {
  Tag tag;
  std::string_view text = rest;
  if (text.starts_with("W/")) {
    tag.weak = true;
    text.remove_prefix(2);
  }
  if (text.starts_with('"')) {
    const std::size_t close = text.find('"', 1);
    if (close == std::string_view::npos) return std::nullopt;
    tag.opaque = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    return tag;
  }
  std::size_t end = 0;
  while (end < text.size() && text[end] != ',' && text[end] != '"' &&
         !grammar::is_space(text[end])) {
    ++end;
  }
  if (end == 0) return std::nullopt;
  tag.opaque = text.substr(0, end);
  rest = text.substr(end);
  return tag;
}

std::string_view skip_separators(std::string_view text) {
  while (!text.empty() && (grammar::is_space(text.front()) || text.front() == ',')) {
    text.remove_prefix(1);
  }
  return text;
}

}  // namespace

bool etag_list_matches(std::string_view value, std::string_view etag, Comparison comparison) {
  if (grammar::trim(value) == "*") return true;
  std::string_view rest = skip_separators(value);
  while (!rest.empty()) {
    const std::optional<Tag> tag = take_tag(rest);
    if (!tag) return false;
    rest = grammar::trim(rest);
    if (!rest.empty() && rest.front() != ',') return false;
    if (tag->opaque == etag && !(tag->weak && comparison == Comparison::strong)) return true;
    rest = skip_separators(rest);
  }
  return false;
}

Verdict evaluate(const Conditions& conditions, const Representation& object, bool is_read,
                 std::int64_t now_seconds) {
  if (!conditions.if_match.empty()) {
    if (!object.exists ||
        !etag_list_matches(conditions.if_match, object.etag, Comparison::strong)) {
      return Verdict::precondition_failed;
    }
  } else if (object.exists && !conditions.if_unmodified_since.empty()) {
    const auto since = parse_http_date(conditions.if_unmodified_since, now_seconds);
    if (since && object.modified_seconds > *since) return Verdict::precondition_failed;
  }

  if (!conditions.if_none_match.empty()) {
    if (object.exists &&
        etag_list_matches(conditions.if_none_match, object.etag, Comparison::weak)) {
      return is_read ? Verdict::not_modified : Verdict::precondition_failed;
    }
  } else if (is_read && object.exists && !conditions.if_modified_since.empty()) {
    const auto since = parse_http_date(conditions.if_modified_since, now_seconds);
    if (since && object.modified_seconds <= *since) return Verdict::not_modified;
  }
  return Verdict::proceed;
}

bool if_range_matches(std::string_view value, const Representation& object,
                      std::int64_t now_seconds) {
  if (value.empty()) return true;
  if (const auto date = parse_http_date(value, now_seconds)) {
    return *date == object.modified_seconds;
  }
  std::string_view rest = value;
  const std::optional<Tag> tag = take_tag(rest);
  return tag && rest.empty() && !tag->weak && tag->opaque == object.etag;
}

}  // namespace millrace::http
