// Path style and virtual-host style; see the header. Any thread; nothing is kept.
#include "s3/address.h"

#include <cstddef>

#include "s3/query.h"

namespace millrace::s3 {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The part of host before ".domain", empty if host isn't under domain.
struct Split {
  bool matches = false;
  std::string_view bucket;
};
Split split_host(std::string_view host, std::string_view domain) {
  if (domain.empty() || host.size() <= domain.size()) return {};
  const std::size_t dot = host.size() - domain.size() - 1;
  if (host[dot] != '.' || !http::field_name_equal(host.substr(dot + 1), domain)) return {};
  return {true, host.substr(0, dot)};
}

Split bucket_of_host(std::string_view host, std::span<const std::string_view> domains) {
  Split best;
  for (const std::string_view domain : domains) {
    if (http::field_name_equal(host, domain)) return {};
    const Split split = split_host(host, domain);
    if (split.matches && (!best.matches || split.bucket.size() < best.bucket.size())) best = split;
  }
  return best;
}

Outcome<Address> virtual_address(std::string_view bucket, std::string_view path,
                                 BucketBuffer& buffer) {
  if (bucket.empty() || bucket.size() > buffer.size()) {
    return refuse(ErrorCode::invalid_bucket_name);
  }
  for (std::size_t i = 0; i < bucket.size(); ++i) buffer[i] = lower(bucket[i]);
  Address address;
  address.virtual_host = true;
  address.bucket = {buffer.data(), bucket.size()};
  address.raw_key = path.substr(1);
  address.scope = address.raw_key.empty() ? Scope::bucket : Scope::object;
  return address;
}

Outcome<Address> path_address(std::string_view path, BucketBuffer& buffer) {
  const std::string_view rest = path.substr(1);
  if (rest.empty()) return Address{};
  const std::size_t slash = rest.find('/');
  const std::string_view raw_bucket = rest.substr(0, slash);
  if (raw_bucket.empty() || raw_bucket.size() > buffer.size()) {
    return refuse(ErrorCode::invalid_bucket_name);
  }
  const auto bucket = decode(raw_bucket, buffer, UriPart::path);
  if (!bucket) return std::unexpected(bucket.error());
  Address address;
  address.bucket = *bucket;
  if (slash != std::string_view::npos) address.raw_key = rest.substr(slash + 1);
  address.scope = address.raw_key.empty() ? Scope::bucket : Scope::object;
  return address;
}

}  // namespace

std::string_view host_name(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    return host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1);
  }
  host = host.substr(0, host.find(':'));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host;
}

Outcome<Address> resolve_address(const http::Head& head, std::span<const std::string_view> domains,
                                 BucketBuffer& buffer) {
  // "OPTIONS *" asks about the server as a whole (RFC 9110 section 9.3.7).
  if (head.path == "*") return Address{};
  if (head.path.empty() || head.path.front() != '/') return refuse(ErrorCode::invalid_uri);
  const bool literal = !head.host.empty() && head.host.front() == '[';
  if (!literal) {
    const Split split = bucket_of_host(host_name(head.host), domains);
    if (split.matches) return virtual_address(split.bucket, head.path, buffer);
  }
  return path_address(head.path, buffer);
}

}  // namespace millrace::s3
