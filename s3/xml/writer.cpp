// The XML writer; see the header. The owner is the request whose answer is written.
#include "s3/xml/writer.h"

#include <charconv>

#include "engine/check.h"

namespace millrace::s3::xml {
namespace {

constexpr char hex_digits[] = "0123456789ABCDEF";

// Bytes that append_escaped copies as they are.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = true;
  for (const char c : {'&', '<', '>', '"', '\''}) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}
constexpr std::array<bool, 256> plain_bytes = make_plain();

// The length of the well-formed UTF-8 sequence at the front (RFC 3629 section 4), or 0.
std::size_t utf8_length(std::string_view text, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

void append_reference(std::string& out, std::uint32_t code) {
  std::array<char, 8> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = hex_digits[code & 15];
    code >>= 4;
  } while (code != 0);
  out.append("&#x").append(&digits[at], digits.size() - at).push_back(';');
}

// Appends the one character at the front, which is not plain; returns its length.
std::size_t append_special(std::string& out, std::string_view text) {
  const char c = text.front();
  switch (c) {
    case '&': out.append("&amp;"); return 1;
    case '<': out.append("&lt;"); return 1;
    case '>': out.append("&gt;"); return 1;
    case '"': out.append("&quot;"); return 1;
    case '\'': out.append("&apos;"); return 1;
    default: break;
  }
  if (static_cast<unsigned char>(c) < 0x80) {
    append_reference(out, static_cast<unsigned char>(c));
    return 1;
  }
  std::uint32_t code = 0;
  const std::size_t length = utf8_length(text, code);
  if (length == 0) {
    out.append("\xef\xbf\xbd");
    return 1;
  }
  if (code == 0xfffe || code == 0xffff) {
    append_reference(out, code);
  } else {
    out.append(text.substr(0, length));
  }
  return length;
}

bool is_url_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '*' || c == '/';
}

void append_digits(std::string& out, std::int64_t value, int width) {
  std::array<char, 20> digits;
  for (int i = width - 1; i >= 0; --i) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

// Division towards minus infinity, for times before 1970.
std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

Writer::Writer(std::string& out) : out_(out) {
  out_.append(declaration);
}

void Writer::open(std::string_view name) {
  CHECK(depth_ < depth_max);
  open_[depth_++] = name;
  out_.append("<").append(name).push_back('>');
}

void Writer::open_root(std::string_view name) {
  CHECK(depth_ == 0);
  open_[depth_++] = name;
  out_.append("<").append(name).append(" xmlns=\"").append(s3_namespace).append("\">");
}

void Writer::close() {
  CHECK(depth_ > 0);
  out_.append("</").append(open_[--depth_]).push_back('>');
}

void Writer::text(std::string_view name, std::string_view value) {
  open(name);
  append_escaped(out_, value);
  close();
}

void Writer::number(std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  open(name);
  out_.append(digits.data(), end.ptr);
  close();
}

void Writer::boolean(std::string_view name, bool value) {
  open(name);
  out_.append(value ? "true" : "false");
  close();
}

void Writer::time(std::string_view name, std::int64_t unix_ms) {
  open(name);
  append_time(out_, unix_ms);
  close();
}

void Writer::key(std::string_view name, std::string_view value, KeyEncoding encoding) {
  open(name);
  if (encoding == KeyEncoding::url) {
    append_url_encoded(out_, value);
  } else {
    append_escaped(out_, value);
  }
  close();
}

void Writer::etag(std::string_view name, std::string_view unquoted) {
  open(name);
  out_.append("&quot;");
  append_escaped(out_, unquoted);
  out_.append("&quot;");
  close();
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && plain_bytes[static_cast<unsigned char>(text[run])]) ++run;
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (!text.empty()) text.remove_prefix(append_special(out, text));
  }
}

void append_url_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_url_plain(c)) {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(hex_digits[byte >> 4]);
      out.push_back(hex_digits[byte & 15]);
    }
  }
}

void append_time(std::string& out, std::int64_t unix_ms) {
  constexpr std::int64_t day_ms = 86'400'000;
  const std::int64_t days = floor_divide(unix_ms, day_ms);
  const std::int64_t ms = unix_ms - days * day_ms;
  // The proleptic Gregorian calendar, in eras of 400 years that begin on a first of March, so
  // that the leap day is the last of its year.
  const std::int64_t shifted = days + 719'468;  // days since 0000-03-01
  const std::int64_t era = floor_divide(shifted, 146'097);
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

  append_digits(out, year, 4);
  out.push_back('-');
  append_digits(out, month, 2);
  out.push_back('-');
  append_digits(out, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
  out.push_back('T');
  append_digits(out, ms / 3'600'000, 2);
  out.push_back(':');
  append_digits(out, ms / 60'000 % 60, 2);
  out.push_back(':');
  append_digits(out, ms / 1'000 % 60, 2);
  out.push_back('.');
  append_digits(out, ms % 1'000, 3);
  out.push_back('Z');
}

}  // namespace millrace::s3::xml
