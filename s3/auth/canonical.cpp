// The canonical request. Thread: the request's. Invariant: every byte goes through HashWriter,
// so libcrypto is called per block and not per byte.
#include "s3/auth/canonical.h"

#include "s3/auth/percent.h"

#include <algorithm>
#include <array>

namespace millrace::s3 {
namespace {

class HashWriter {
 public:
  explicit HashWriter(std::string* copy = nullptr) : copy_(copy) {}
  void put(char c) {
    if (used_ == buffer_.size()) flush();
    buffer_[used_++] = c;
  }
  void put(std::string_view text) {
    if (text.size() > buffer_.size() - used_) flush();
    if (text.size() > buffer_.size()) return take(text);
    std::copy(text.begin(), text.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += text.size();
  }
  Sha256::Digest finish() {
    flush();
    return sha_.finish();
  }

 private:
  void flush() {
    take(std::string_view(buffer_.data(), used_));
    used_ = 0;
  }
  void take(std::string_view text) {
    sha_.update(text);
    if (copy_ != nullptr) copy_->append(text);
  }
  Sha256 sha_;
  std::string* const copy_;
  std::size_t used_ = 0;
  std::array<char, 512> buffer_;
};

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> set{};
  for (unsigned char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-._~"))
    set[c] = true;
  return set;
}
constexpr std::array<bool, 256> unreserved = make_unreserved();

bool stands_as_is(char c, UriPart part) {
  return unreserved[static_cast<unsigned char>(c)] || (c == '/' && part == UriPart::path);
}

// How much of the front is in its canonical form already: unreserved bytes, and escapes in upper
// case of bytes that need one.
std::size_t canonical_bytes(std::string_view raw, UriPart part) {
  const auto digit = [](char c) { return c >= 'a' ? -1 : hex_digit(c); };
  std::size_t at = 0;
  for (; at < raw.size(); ++at) {
    if (stands_as_is(raw[at], part)) continue;
    if (raw[at] != '%' || raw.size() - at < 3) return at;
    const int high = digit(raw[at + 1]);
    const int low = digit(raw[at + 2]);
    if (high < 0 || low < 0 || stands_as_is(static_cast<char>(high << 4 | low), part)) return at;
    at += 2;
  }
  return at;
}

void put_encoded(HashWriter& out, std::string_view raw, UriPart part) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  while (!raw.empty()) {
    const std::size_t whole = canonical_bytes(raw, part);
    out.put(raw.substr(0, whole));
    raw.remove_prefix(whole);
    if (raw.empty()) return;
    const std::size_t unit = raw.front() == '%' ? 3 : 1;
    const int byte = DecodedBytes(raw.substr(0, unit), part).next();
    raw.remove_prefix(unit);
    if (stands_as_is(static_cast<char>(byte), part)) {
      out.put(static_cast<char>(byte));
    } else {
      out.put('%');
      out.put(digits[static_cast<std::size_t>(byte >> 4)]);
      out.put(digits[static_cast<std::size_t>(byte & 15)]);
    }
  }
}

// Where a byte's encoding sorts: '%' comes before every unreserved character.
int encoded_rank(int byte) {
  return byte < 0 ? -1 : unreserved[static_cast<std::size_t>(byte)] ? byte + 256 : byte;
}

// The order of the encoded texts: negative, zero or positive.
int compare_encoded(std::string_view a, std::string_view b) {
  std::size_t same = 0;  // names of presigned queries differ behind their X-Amz-
  const std::size_t shorter = std::min(a.size(), b.size());
  while (same < shorter && a[same] == b[same] && a[same] != '%') ++same;
  DecodedBytes left(a.substr(same), UriPart::query);
  DecodedBytes right(b.substr(same), UriPart::query);
  for (;;) {
    const int x = encoded_rank(left.next());
    const int y = encoded_rank(right.next());
    if (x != y || x < 0) return x - y;
  }
}

bool canonical_less(const RawParameter& a, const RawParameter& b) {
  const int names = compare_encoded(a.name, b.name);
  return names != 0 ? names < 0 : compare_encoded(a.value, b.value) < 0;
}

void put_query(HashWriter& out, const QueryParameters& query, bool presigned) {
  std::array<std::uint16_t, query_parameters_max> order;  // of what is signed
  std::size_t count = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const std::string_view name = query[i].name;
    if (presigned && decodes_to(name, "x-amz-signature", Case::ignored)) continue;
    order[count++] = static_cast<std::uint16_t>(i);
  }
  const std::span<std::uint16_t> used(order.data(), count);
  std::ranges::sort(used, canonical_less, [&](std::uint16_t i) { return query[i]; });
  bool first = true;
  for (const std::uint16_t i : used) {
    if (!first) out.put('&');
    first = false;
    put_encoded(out, query[i].name, UriPart::query);
    out.put('=');
    put_encoded(out, query[i].value, UriPart::query);
  }
}

// Trimmed, runs of spaces as one.
void put_field_value(HashWriter& out, std::string_view value) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  bool after_space = false;
  for (char c : value) {
    if (c != ' ' || !after_space) out.put(c);
    after_space = c == ' ';
  }
}

bool put_field(HashWriter& out, const http::Head& head, std::string_view lower_name) {
  bool found = false;
  out.put(lower_name);
  out.put(':');
  for (const http::Field& field : head.fields()) {
    if (field.name.size() != lower_name.size() || !http::field_name_equal(field.name, lower_name))
      continue;
    if (found) out.put(',');
    found = true;
    put_field_value(out, field.value);
  }
  out.put('\n');
  return found;
}

std::string_view take_name(std::string_view& list) {
  const std::size_t end = list.find(';');
  const std::string_view name = list.substr(0, end);
  list.remove_prefix(end == list.npos ? list.size() : end + 1);
  return name;
}

std::expected<Sha256::Digest, AuthFailure> write_canonical(HashWriter& out, const http::Head& head,
                                                           const QueryParameters& query,
                                                           const CanonicalInput& input) {
  if (!query.whole() || !percent_valid(head.path) || !percent_valid(query.text()))
    return std::unexpected(AuthFailure::uri);
  out.put(head.method_text);
  out.put('\n');
  put_encoded(out, head.path, UriPart::path);
  out.put('\n');
  put_query(out, query, input.presigned);
  out.put('\n');
  for (std::string_view rest = input.signed_headers; !rest.empty();) {
    if (!put_field(out, head, take_name(rest)))
      return std::unexpected(AuthFailure::signature_mismatch);
  }
  out.put('\n');
  out.put(input.signed_headers);
  out.put('\n');
  out.put(input.payload_hash);
  return out.finish();
}

}  // namespace

std::expected<Sha256::Digest, AuthFailure> hash_canonical_request(const http::Head& head,
                                                                  const QueryParameters& query,
                                                                  const CanonicalInput& input) {
  HashWriter out;
  return write_canonical(out, head, query, input);
}

std::expected<std::string, AuthFailure> canonical_request(const http::Head& head,
                                                          const QueryParameters& query,
                                                          const CanonicalInput& input) {
  std::string text;
  HashWriter out(&text);
  const auto written = write_canonical(out, head, query, input);
  if (!written) return std::unexpected(written.error());
  return text;
}

bool signed_headers_valid(std::string_view list) {
  if (list.empty() || list.ends_with(';')) return false;
  std::string_view before;
  bool has_host = false;
  while (!list.empty()) {
    const std::string_view name = take_name(list);
    if (name.empty() || name <= before) return false;
    for (char c : name) {
      const bool token = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                         std::string_view("!#$%&'*+-.^_`|~").contains(c);
      if (!token) return false;
    }
    has_host = has_host || name == "host";
    before = name;
  }
  return has_host;
}

bool signed_headers_contain(std::string_view list, std::string_view field_name) {
  while (!list.empty()) {
    const std::string_view name = take_name(list);
    if (name.size() == field_name.size() && http::field_name_equal(field_name, name)) return true;
  }
  return false;
}

}  // namespace millrace::s3
