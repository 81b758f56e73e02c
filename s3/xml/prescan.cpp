// The scan before the parser; see the header. Stateless.
#include "s3/xml/prescan.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace millrace::s3::xml {
namespace {

constexpr std::string_view whitespace = " \t\r\n";

// The length of the UTF-8 sequence at the front (RFC 3629 section 4), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  // The second byte excludes overlong forms, surrogates and what is beyond U+10FFFF.
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    const char c = text.front();
    if (static_cast<unsigned char>(c) < 0x20 && whitespace.find(c) == std::string_view::npos) {
      return false;
    }
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// What is between '&' and ';'.
bool is_reference(std::string_view name) {
  constexpr std::array<std::string_view, 5> predefined = {"amp", "lt", "gt", "quot", "apos"};
  if (std::ranges::find(predefined, name) != predefined.end()) return true;
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  if (name.empty() || name.size() > 8) return false;
  std::uint64_t code = 0;
  for (const char c : name) {
    const char folded = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      code = code * (hex ? 16 : 10) + static_cast<std::uint64_t>(c - '0');
    } else if (hex && folded >= 'a' && folded <= 'f') {
      code = code * 16 + static_cast<std::uint64_t>(folded - 'a' + 10);
    } else {
      return false;
    }
  }
  return code >= 1 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

bool references_are_known(std::string_view document) {
  constexpr std::size_t reference_bytes_max = 10;  // #x and eight digits
  for (std::size_t at = document.find('&'); at != std::string_view::npos;
       at = document.find('&', at + 1)) {
    const std::string_view rest = document.substr(at + 1, reference_bytes_max + 1);
    const std::size_t end = rest.find(';');
    if (end == std::string_view::npos || !is_reference(rest.substr(0, end))) return false;
  }
  return true;
}

struct Tag {
  std::size_t bytes = 0;  // from '<' to '>'
  std::size_t attributes = 0;
  bool closing = false;
  bool self_closing = false;
};

// The tag at the front, which is a '<'; nothing if it is none or doesn't end.
std::optional<Tag> read_tag(std::string_view text) {
  if (text.size() < 3 || text[1] == '!' || text[1] == '?') return std::nullopt;
  Tag tag;
  tag.closing = text[1] == '/';
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<') return std::nullopt;
    if (c == '"' || c == '\'') {
      const std::size_t end = text.find(c, i + 1);
      if (end == std::string_view::npos || tag.closing) return std::nullopt;
      ++tag.attributes;
      i = end;
    } else if (c == '>') {
      tag.bytes = i + 1;
      tag.self_closing = !tag.closing && text[i - 1] == '/';
      return tag;
    }
  }
  return std::nullopt;
}

bool tags_are_within(std::string_view document, const ScanLimits& limits) {
  std::size_t depth = 0;
  std::size_t elements = 0;
  bool root_done = false;
  for (std::size_t at = document.find('<'); at != std::string_view::npos;
       at = document.find('<', at)) {
    const auto tag = read_tag(document.substr(at));
    if (!tag || root_done) return false;
    at += tag->bytes;
    if (tag->closing) {
      if (depth == 0) return false;
      --depth;
    } else {
      if (++elements > limits.elements_max || depth == limits.depth_max) return false;
      if (tag->attributes > limits.attributes_per_element_max) return false;
      if (!tag->self_closing) ++depth;
    }
    root_done = depth == 0;
  }
  return root_done;
}

}  // namespace

std::string_view without_prolog(std::string_view document) {
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  if (!document.starts_with("<?xml") || document.size() < 6 ||
      whitespace.find(document[5]) == std::string_view::npos) {
    return document;
  }
  const std::size_t end = document.find("?>");
  return end == std::string_view::npos ? document : document.substr(end + 2);
}

bool acceptable(std::string_view document, const ScanLimits& limits) {
  document = without_prolog(document);
  const std::size_t first = document.find_first_not_of(whitespace);
  if (first == std::string_view::npos || document[first] != '<') return false;
  const std::size_t last = document.find_last_not_of(whitespace);
  if (document[last] != '>') return false;
  return is_clean_text(document) && references_are_known(document) &&
         tags_are_within(document, limits);
}

}  // namespace millrace::s3::xml
