// See object_fields.h.
#include "s3/post/object_fields.h"

#include "http/grammar.h"

#include <algorithm>
#include <array>

namespace millrace::s3::post {

namespace {

namespace grammar = http::grammar;

constexpr std::string_view header_fields[] = {"content-type",     "cache-control",
                                              "content-encoding", "content-disposition",
                                              "content-language", "expires"};
constexpr std::string_view signature_fields[] = {
    "x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token"};

bool is_any_of(std::string_view name, std::span<const std::string_view> lower_names) {
  return std::ranges::any_of(lower_names, [name](std::string_view each) {
    return grammar::equal_ignoring_case(name, each);
  });
}

bool begins_with(std::string_view name, std::string_view lower_prefix) {
  return grammar::equal_ignoring_case(name.substr(0, lower_prefix.size()), lower_prefix);
}

}  // namespace

Outcome<> fields_as_head(const FormReader& form, http::Head& head) {
  head.method = http::Method::post;
  for (const FormField& field : form.fields()) {
    std::string_view name = field.name;
    if (grammar::equal_ignoring_case(name, "acl")) {
      name = "x-amz-acl";
    } else if (is_any_of(name, signature_fields) ||
               (!is_any_of(name, header_fields) && !begins_with(name, "x-amz-"))) {
      continue;
    }
    if (!grammar::is_token(name) || !grammar::is_field_value(field.value) ||
        head.field_count == head.field_slots.size()) {
      return refuse_argument("A field of the form has a name or a value that no header can have.",
                             field.name, field.value);
    }
    head.field_slots[head.field_count++] = {name, grammar::trim(field.value)};
  }
  return {};
}

Outcome<std::string> key_of_form(const FormReader& form) {
  const auto sent = form.find("key");
  if (!sent || sent->empty()) return refuse(ErrorCode::user_key_must_be_specified);
  constexpr std::string_view variable = "${filename}";
  std::string key;
  std::string_view rest = *sent;
  for (std::size_t at = rest.find(variable); at != std::string_view::npos;
       at = rest.find(variable)) {
    key.append(rest.substr(0, at)).append(form.file_name());
    rest.remove_prefix(at + variable.size());
  }
  return key.append(rest);
}

std::string_view redirect_of_form(const FormReader& form) {
  auto url = form.find("success_action_redirect");
  if (!url) url = form.find("redirect");
  const bool readable = url && grammar::is_target(*url) &&
                        (begins_with(*url, "http://") || begins_with(*url, "https://"));
  return readable ? *url : std::string_view();
}

void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  for (const char c : text) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum || plain.find(c) != std::string_view::npos || (c == '/' && keep_slash)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
}

std::string redirect_target(std::string_view url, std::string_view bucket, std::string_view key,
                            std::string_view etag) {
  const std::size_t fragment = std::min(url.find('#'), url.size());
  std::string target(url.substr(0, fragment));
  target.append(target.find('?') == std::string::npos ? "?bucket=" : "&bucket=").append(bucket);
  target.append("&key=");
  append_percent_encoded(target, key, false);
  target.append("&etag=%22").append(etag).append("%22");
  return target.append(url.substr(fragment));
}

int status_of_form(const FormReader& form) {
  const std::string_view text = form.find("success_action_status").value_or("");
  if (text == "200") return 200;
  return text == "201" ? 201 : 204;
}

}  // namespace millrace::s3::post
