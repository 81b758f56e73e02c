// See presigned_fields.h.
#include "s3/presigned_fields.h"

#include "http/grammar.h"
#include "s3/digest/checksum.h"
#include "s3/query.h"

#include <algorithm>
#include <array>

namespace millrace::s3 {

namespace {

namespace grammar = http::grammar;

constexpr std::string_view prefix = "x-amz-";

// All of them are read where signatures are checked, and streamed bodies where they are framed.
constexpr std::array<std::string_view, 11> left_alone = {"x-amz-algorithm",
                                                         "x-amz-credential",
                                                         "x-amz-date",
                                                         "x-amz-expires",
                                                         "x-amz-signedheaders",
                                                         "x-amz-signature",
                                                         "x-amz-security-token",
                                                         "x-amz-content-sha256",
                                                         "x-amz-sdk-checksum-algorithm",
                                                         "x-amz-trailer",
                                                         "x-amz-decoded-content-length"};

bool may_be_field(const RawParameter& parameter) {
  if (parameter.name_encoded) return true;
  return parameter.name.size() > prefix.size() &&
         grammar::equal_ignoring_case(parameter.name.substr(0, prefix.size()), prefix);
}

bool becomes_field(std::string_view name) {
  if (name.size() <= prefix.size() ||
      !grammar::equal_ignoring_case(name.substr(0, prefix.size()), prefix)) {
    return false;
  }
  return !checksum_of_header(name) && std::ranges::none_of(left_alone, [name](auto each) {
    return grammar::equal_ignoring_case(name, each);
  });
}

bool has_field(const http::Head& head, std::string_view name) {
  return std::ranges::any_of(head.fields(), [name](const http::Field& field) {
    return grammar::equal_ignoring_case(field.name, name);
  });
}

}  // namespace

Outcome<> take_presigned_fields(const QueryParameters& query, http::Head& head,
                                std::vector<char>& memory) {
  std::optional<DecodeArena> arena;
  const auto decoded = [&](std::string_view raw) -> Outcome<std::string_view> {
    if (!is_encoded(raw, UriPart::query)) return raw;
    if (!arena) {
      memory.resize(query.text().size());
      arena.emplace(memory);
    }
    return arena->decode(raw, UriPart::query);
  };
  for (const RawParameter parameter : query) {
    if (!may_be_field(parameter)) continue;
    const auto name = decoded(parameter.name);
    if (!name) return std::unexpected(name.error());
    if (!becomes_field(*name) || has_field(head, *name)) continue;
    const auto value = decoded(parameter.value);
    if (!value) return std::unexpected(value.error());
    if (!grammar::is_token(*name) || !grammar::is_field_value(*value)) {
      return refuse_argument("A parameter has a name or a value that no header can have.",
                             parameter.name, parameter.value);
    }
    if (head.field_count == head.field_slots.size()) {
      return refuse(ErrorCode::request_header_too_large);
    }
    head.field_slots[head.field_count++] = {*name, grammar::trim(*value)};
  }
  return {};
}

}  // namespace millrace::s3
