// The response head writer.
#include "http/response_head.h"

#include "engine/check.h"
#include "http/grammar.h"
#include "http/reason.h"

#include <array>
#include <cstring>

namespace millrace::http {

using engine::Errc;
using engine::fail;
using engine::Result;

std::string_view format_decimal(std::uint64_t value, std::span<char, 20> digits) {
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return {digits.data() + at, digits.size() - at};
}

// All or nothing: the sizes are summed before the first byte is written.
Result<> HeadWriter::write_line(std::string_view name, std::span<const std::string_view> parts) {
  std::size_t total = name.size() + 2;
  for (std::string_view part : parts) total += part.size();
  if (overflowed_ || total > buffer_.size() - used_) {
    overflowed_ = true;
    return fail(Errc::too_large);
  }
  char* at = buffer_.data() + used_;
  const auto put = [&at](std::string_view text) {
    if (text.empty()) return;
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  put(name);
  for (std::string_view part : parts) put(part);
  put("\r\n");
  used_ += total;
  return {};
}

Result<> HeadWriter::status(int code) {
  CHECK(used_ == 0 && code >= 100 && code <= 999);
  const char digits[3] = {static_cast<char>('0' + code / 100),
                          static_cast<char>('0' + code / 10 % 10),
                          static_cast<char>('0' + code % 10)};
  const std::array<std::string_view, 3> parts{std::string_view(digits, 3), " ",
                                              reason_phrase(code)};
  return write_line("HTTP/1.1 ", parts);
}

Result<> HeadWriter::field(std::string_view name, std::string_view value) {
  if (!grammar::is_token(name) || !grammar::is_field_value(value)) return fail(Errc::malformed);
  const std::array<std::string_view, 2> parts{": ", grammar::trim(value)};
  return write_line(name, parts);
}

Result<> HeadWriter::field(std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  return field(name, format_decimal(value, digits));
}

Result<> HeadWriter::etag(std::string_view opaque) {
  if (!grammar::is_field_value(opaque) || opaque.find('"') != std::string_view::npos) {
    return fail(Errc::malformed);
  }
  const std::array<std::string_view, 3> parts{": \"", opaque, "\""};
  return write_line("ETag", parts);
}

Result<> HeadWriter::content_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  CHECK(length > 0 && length <= size && offset <= size - length);
  std::array<char, 20> first;
  std::array<char, 20> last;
  std::array<char, 20> whole;
  const std::array<std::string_view, 6> parts{": bytes ", format_decimal(offset, first),
                                              "-",        format_decimal(offset + length - 1, last),
                                              "/",        format_decimal(size, whole)};
  return write_line("Content-Range", parts);
}

Result<> HeadWriter::content_range_unsatisfied(std::uint64_t size) {
  std::array<char, 20> whole;
  const std::array<std::string_view, 2> parts{": bytes */", format_decimal(size, whole)};
  return write_line("Content-Range", parts);
}

Result<std::string_view> HeadWriter::finish() {
  CHECK(used_ > 0 || overflowed_);
  if (auto ended = write_line({}, {}); !ended) return std::unexpected(ended.error());
  return std::string_view(buffer_.data(), used_);
}

}  // namespace millrace::http
