// The head of one request, parsed and checked (RFC 9112 sections 2 to 6). All views point
// into the buffer that was parsed (a path that an absolute target left out is a static "/");
// the owner of that buffer owns the head's lifetime.
#pragma once

#include "http/limits.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::http {

enum class Method : std::uint8_t { get, head, put, post, delete_, options, other };

struct Field {
  std::string_view name;   // as sent; compare with field_name_equal
  std::string_view value;  // surrounding white space removed
};

struct Head {
  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;  // as sent
  std::string_view path;    // raw (still percent-encoded), begins with '/'; "*" for OPTIONS *
  std::string_view query;   // raw, without '?'
  std::string_view
      host;  // Host's value, or the authority of an absolute target; may be empty in 1.0
  std::uint8_t version_minor = 1;  // HTTP/1.0 or HTTP/1.1

  // Framing, already checked to be consistent.
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  std::optional<std::uint64_t> content_length;

  std::array<Field, limits::field_count_max> field_slots;
  std::uint16_t field_count = 0;

  std::span<const Field> fields() const { return {field_slots.data(), field_count}; }
  // The first field of that name (lower case given), or null.
  const Field* find(std::string_view lower_name) const;
  // Its value, or an empty view.
  std::string_view value(std::string_view lower_name) const;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// ASCII case-insensitive; the second must be lower case.
bool field_name_equal(std::string_view name, std::string_view lower_name);

}  // namespace millrace::http
