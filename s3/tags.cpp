// See tags.h.
#include "s3/tags.h"

#include "http/head.h"
#include "s3/limits.h"
#include "s3/store/key.h"

#include <algorithm>

namespace millrace::s3 {

namespace {

constexpr std::string_view header_name = "x-amz-tagging";

// Of valid UTF-8.
std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Letters, digits and white space of any script, and these signs. Beyond ASCII everything but
// control characters is taken for a letter: no table of Unicode is kept for what harms nobody.
bool is_allowed(std::string_view text) {
  constexpr std::string_view signs = " +-=._:/@";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (byte < 0x80 && !alnum && signs.find(c) == std::string_view::npos) return false;
    // U+0080 to U+009F.
    if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
  }
  return true;
}

bool is_text(std::string_view text, std::size_t chars_max) {
  return store::utf8_valid(text) && code_points(text) <= chars_max && is_allowed(text);
}

bool is_reserved(std::string_view key) {
  return key.size() >= 4 && http::field_name_equal(key.substr(0, 4), "aws:");
}

std::unexpected<S3Error> malformed_header(std::string_view value) {
  return refuse_argument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
      "without tag name duplicates.",
      header_name, value);
}

bool repeats(std::span<const store::Pair> tags) {
  for (std::size_t i = 0; i < tags.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (tags[i].name == tags[j].name) return true;
    }
  }
  return false;
}

}  // namespace

TagRules object_tag_rules() {
  static_assert(limits::object_tags_max == 10, "the message says so");
  return {.tags_max = limits::object_tags_max, .too_many = "Object tags cannot be greater than 10"};
}

TagRules bucket_tag_rules() {
  static_assert(limits::bucket_tags_max == 50, "the message says so");
  return {.tags_max = limits::bucket_tags_max,
          .too_many = "Bucket tag count cannot be greater than 50"};
}

Outcome<> check_tags(std::span<const store::Pair> tags, const TagRules& rules) {
  if (tags.size() > rules.tags_max) return refuse(ErrorCode::bad_request, rules.too_many);
  for (const store::Pair& tag : tags) {
    if (tag.name.empty() || !is_text(tag.name, limits::tag_key_chars_max)) {
      return refuse(ErrorCode::invalid_tag, "The TagKey you have provided is invalid");
    }
    if (!is_text(tag.value, limits::tag_value_chars_max)) {
      return refuse(ErrorCode::invalid_tag, "The TagValue you have provided is invalid");
    }
    if (is_reserved(tag.name)) {
      return refuse(ErrorCode::invalid_tag, "Your TagKey cannot be prefixed with aws:");
    }
  }
  if (repeats(tags)) {
    return refuse(ErrorCode::invalid_tag, "Cannot provide multiple Tags with the same key");
  }
  return {};
}

Outcome<> TagSet::pack(std::span<const store::Pair> tags) {
  bytes_.resize(store::PackedPairs::packed_bytes(tags));
  const auto packed = store::PackedPairs::pack(tags, bytes_);
  if (!packed) return refuse(ErrorCode::invalid_tag);
  packed_ = *packed;
  return {};
}

Outcome<> TagSet::take(std::span<const store::Pair> tags) {
  if (const auto checked = check_tags(tags, object_tag_rules()); !checked) return checked;
  return pack(tags);
}

Outcome<> TagSet::parse(std::string_view header) {
  const QueryParameters parameters(header);
  const TagRules rules = object_tag_rules();
  if (!parameters.whole() || parameters.size() > rules.tags_max) {
    return refuse(ErrorCode::bad_request, rules.too_many);
  }
  text_.resize(header.size());
  std::span<char> room(text_);
  const auto decoded = [&](std::string_view raw) -> std::optional<std::string_view> {
    if (!percent_valid(raw)) return std::nullopt;
    const auto text = percent_decode(raw, UriPart::query, room);
    if (text) room = room.subspan(text->size());
    return text;
  };
  std::vector<store::Pair> tags;
  tags.reserve(parameters.size());
  for (const RawParameter parameter : parameters) {
    const auto name = decoded(parameter.name);
    const auto value = decoded(parameter.value);
    if (!name || !value || !store::utf8_valid(*name) || !store::utf8_valid(*value)) {
      return malformed_header(header);
    }
    tags.push_back({*name, *value});
  }
  if (repeats(tags)) return malformed_header(header);
  if (const auto checked = check_tags(tags, rules); !checked) return checked;
  return pack(tags);
}

std::size_t count_tags(const store::PackedPairs& tags) {
  std::size_t count = 0;
  for ([[maybe_unused]] const store::Pair pair : tags) ++count;
  return count;
}

}  // namespace millrace::s3
