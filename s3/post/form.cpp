// See form.h.
#include "s3/post/form.h"

#include "engine/check.h"
#include "http/grammar.h"
#include "s3/limits.h"

#include <algorithm>

namespace millrace::s3::post {

namespace {

namespace grammar = http::grammar;

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view form_type = "multipart/form-data";

std::unexpected<S3Error> malformed() {
  return refuse(ErrorCode::malformed_post_request);
}

// RFC 2046: bcharsnospace and the space, which may not be last.
bool is_boundary(std::string_view text) {
  constexpr std::string_view signs = "'()+_,-./:=? ";
  const auto allowed = [signs](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           signs.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::ranges::all_of(text, allowed);
}

// Takes one parameter ("; name=value") off; the value's quotes are taken off, and what a backslash
// is before stays as it is: browsers send paths with them.
struct Parameter {
  std::string_view name;
  std::string_view value;
};
std::optional<Parameter> take_parameter(std::string_view& rest) {
  rest = grammar::trim(rest);
  if (rest.empty() || rest.front() != ';') return std::nullopt;
  rest = grammar::trim(rest.substr(1));
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Parameter parameter{.name = rest.substr(0, equals), .value = {}};
  if (!grammar::is_token(parameter.name)) return std::nullopt;
  rest.remove_prefix(equals + 1);
  if (!rest.empty() && rest.front() == '"') {
    std::size_t end = 1;
    while (end < rest.size() && (rest[end] != '"' || rest[end - 1] == '\\')) ++end;
    if (end == rest.size()) return std::nullopt;
    parameter.value = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return parameter;
  }
  const std::size_t end = std::min(rest.find_first_of("; \t"), rest.size());
  parameter.value = rest.substr(0, end);
  if (!grammar::is_token(parameter.value)) return std::nullopt;
  rest.remove_prefix(end);
  return parameter;
}

std::string_view without_path(std::string_view name) {
  const std::size_t slash = name.find_last_of("/\\");
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace

bool is_form(std::string_view content_type) {
  const auto type = grammar::trim(content_type.substr(0, content_type.find(';')));
  return grammar::equal_ignoring_case(type, form_type);
}

std::optional<std::string_view> form_boundary(std::string_view content_type) {
  if (!is_form(content_type)) return std::nullopt;
  std::string_view rest =
      content_type.substr(std::min(content_type.find(';'), content_type.size()));
  std::optional<std::string_view> boundary;
  while (!grammar::trim(rest).empty()) {
    const auto parameter = take_parameter(rest);
    if (!parameter) return std::nullopt;
    if (!grammar::equal_ignoring_case(parameter->name, "boundary")) continue;
    if (boundary || !is_boundary(parameter->value)) return std::nullopt;
    boundary = parameter->value;
  }
  return boundary;
}

Delimiter::Delimiter(std::string_view boundary) {
  CHECK(boundary.size() <= 70);
  const auto put = [this](std::string_view text) {
    std::ranges::copy(text, text_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  };
  put("\r\n--");
  put(boundary);
}

// CR occurs in a delimiter only at its start, so what follows a mismatch needs no second look.
Delimiter::Found Delimiter::find(std::string_view text) const {
  const std::string_view wanted = view();
  std::size_t at = 0;
  for (;;) {
    at = text.find('\r', at);
    if (at == std::string_view::npos) return {.content = text.size()};
    const std::string_view rest = text.substr(at, wanted.size());
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(rest, wanted).in1 - rest.begin());
    if (same == wanted.size()) return {.content = at, .held = 0, .ended = true};
    if (at + same == text.size()) return {.content = at, .held = same};
    at += same;
  }
}

std::optional<FormReader::Part> FormReader::parse_disposition(std::string_view value) {
  const std::size_t end = std::min(value.find(';'), value.size());
  if (!grammar::equal_ignoring_case(grammar::trim(value.substr(0, end)), "form-data")) {
    return std::nullopt;
  }
  std::string_view rest = value.substr(end);
  std::optional<std::string_view> name;
  std::optional<std::string_view> file_name;
  while (!grammar::trim(rest).empty()) {
    const auto parameter = take_parameter(rest);
    if (!parameter) return std::nullopt;
    const bool is_name = grammar::equal_ignoring_case(parameter->name, "name");
    const bool is_file_name = grammar::equal_ignoring_case(parameter->name, "filename");
    if (!is_name && !is_file_name) continue;
    auto& slot = is_name ? name : file_name;
    if (slot) return std::nullopt;
    slot = parameter->value;
  }
  if (!name || name->empty()) return std::nullopt;
  return Part{.name = *name, .file_name = without_path(file_name.value_or(""))};
}

// The lines of a part's head, without the empty one.
std::optional<FormReader::Part> FormReader::parse_head(std::string_view head) {
  std::optional<Part> part;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(line_end), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + line_end.size(), head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !grammar::is_token(line.substr(0, colon)) ||
        !grammar::is_field_value(line)) {
      return std::nullopt;
    }
    if (!grammar::equal_ignoring_case(line.substr(0, colon), "content-disposition")) continue;
    if (part) return std::nullopt;
    part = parse_disposition(grammar::trim(line.substr(colon + 1)));
    if (!part) return std::nullopt;
  }
  return part;
}

Outcome<FormReader::Progress> FormReader::feed(std::string_view text) {
  if (!begun_) {
    const std::string_view first = delimiter_.view().substr(line_end.size());
    if (text.size() < first.size()) {
      if (!first.starts_with(text)) return malformed();
      return Progress::more;
    }
    if (!text.starts_with(first)) return malformed();
    begun_ = true;
    at_ = first.size();
  }
  for (;;) {
    const std::string_view rest = text.substr(at_);
    if (rest.size() < 2) return Progress::more;
    if (rest.starts_with("--")) return refuse(ErrorCode::incorrect_number_of_files);
    if (!rest.starts_with(line_end)) return malformed();
    const std::size_t head_end = rest.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return Progress::more;
    const auto part = head_end == 0 ? std::nullopt : parse_head(rest.substr(2, head_end - 2));
    if (!part) return malformed();
    const std::size_t value_at = head_end + 4;
    if (grammar::equal_ignoring_case(part->name, "file")) {
      file_name_ = part->file_name;
      at_ += value_at;
      return Progress::file;
    }
    const auto found = delimiter_.find(rest.substr(value_at));
    if (!found.ended) return Progress::more;
    if (fields_.size() == limits::form_fields_max) return malformed();
    for (const FormField& field : fields_) {
      if (grammar::equal_ignoring_case(field.name, part->name)) return malformed();
    }
    fields_.push_back({part->name, rest.substr(value_at, found.content)});
    at_ += value_at + found.content + delimiter_.view().size();
  }
}

std::optional<std::string_view> FormReader::find(std::string_view lower_name) const {
  for (const FormField& field : fields_) {
    if (http::grammar::equal_ignoring_case(field.name, lower_name)) return field.value;
  }
  return std::nullopt;
}

}  // namespace millrace::s3::post
