// Client-side SigV4. Thread: any. Invariant: see sign.h.
#include "s3/auth/sign.h"

#include "engine/check.h"
#include "http/head.h"
#include "s3/auth/amz_time.h"
#include "s3/auth/canonical.h"
#include "s3/auth/chunk_signature.h"
#include "s3/digest/encoding.h"

#include <algorithm>

namespace millrace::s3 {
namespace {

constexpr std::string_view unsigned_text = "UNSIGNED-PAYLOAD";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string hex_string(const Sha256::Digest& digest) {
  const auto hex = hex_of(digest);
  return {hex.data(), hex.size()};
}

http::Head head_of(const ClientRequest& request, std::string_view target) {
  http::Head head;
  head.method_text = request.method;
  head.target = target;
  const std::size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != target.npos) head.query = target.substr(mark + 1);
  CHECK(request.headers.size() <= head.field_slots.size());
  for (const HeaderLine& line : request.headers)
    head.field_slots[head.field_count++] = {line.name, line.value};
  return head;
}

std::string signed_names(const ClientRequest& request) {
  std::vector<std::string> names;
  for (const HeaderLine& line : request.headers) names.push_back(lower(line.name));
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ";") + name;
  return list;
}

bool has_header(const ClientRequest& request, std::string_view name) {
  return std::ranges::any_of(request.headers,
                             [name](const HeaderLine& line) { return lower(line.name) == name; });
}

SignatureSeed seed_for(const SigningIdentity& who, std::int64_t unix_seconds) {
  const auto timestamp = format_amz_time(unix_seconds);
  SignatureSeed seed;
  seed.timestamp.assign(timestamp.data(), timestamp.size());
  const std::string date = seed.timestamp.substr(0, 8);
  seed.scope = date + "/" + who.region + "/s3/aws4_request";
  seed.key = derive_signing_key(who.secret_key, date, who.region);
  return seed;
}

void finish_seed(SignatureSeed& seed, const http::Head& head, std::string_view names,
                 std::string_view payload) {
  const auto canonical =
      hash_canonical_request(head, head.query, {.signed_headers = names, .payload_hash = payload});
  CHECK(canonical.has_value());
  seed.signature =
      sign_text(seed.key, "AWS4-HMAC-SHA256", seed.timestamp, seed.scope, hex_string(*canonical));
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

SignatureSeed sign_request(ClientRequest& request, const SigningIdentity& who,
                           std::int64_t unix_seconds, std::string_view payload) {
  SignatureSeed seed = seed_for(who, unix_seconds);
  if (!has_header(request, "x-amz-date")) request.headers.push_back({"x-amz-date", seed.timestamp});
  if (!has_header(request, "x-amz-content-sha256"))
    request.headers.push_back({"x-amz-content-sha256", std::string(payload)});
  if (!who.session_token.empty())
    request.headers.push_back({"x-amz-security-token", who.session_token});
  const std::string names = signed_names(request);
  finish_seed(seed, head_of(request, request.target), names, payload);
  request.headers.push_back({"Authorization", "AWS4-HMAC-SHA256 Credential=" + who.access_key +
                                                  "/" + seed.scope + ",SignedHeaders=" + names +
                                                  ",Signature=" + hex_string(seed.signature)});
  return seed;
}

std::string presign(const ClientRequest& request, const SigningIdentity& who,
                    std::int64_t unix_seconds, std::uint32_t expires_s) {
  SignatureSeed seed = seed_for(who, unix_seconds);
  const std::string names = signed_names(request);
  std::string target = request.target;
  target += target.find('?') == target.npos ? "?" : "&";
  target += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
            uri_encode(who.access_key + "/" + seed.scope, false) + "&X-Amz-Date=" + seed.timestamp +
            "&X-Amz-Expires=" + std::to_string(expires_s) +
            "&X-Amz-SignedHeaders=" + uri_encode(names, false);
  if (!who.session_token.empty())
    target += "&X-Amz-Security-Token=" + uri_encode(who.session_token, false);
  finish_seed(seed, head_of(request, target), names, unsigned_text);
  return target + "&X-Amz-Signature=" + hex_string(seed.signature);
}

std::string encode_aws_chunked(std::string_view payload, const SignatureSeed& seed,
                               const ChunkedOptions& options) {
  CHECK(options.chunk_bytes > 0);
  const ChunkChain chain{seed.key, seed.timestamp, seed.scope};
  Sha256::Digest previous = seed.signature;
  std::string out;
  const auto put_chunk = [&](std::string_view chunk) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string size;
    for (std::size_t left = chunk.size(); left != 0 || size.empty(); left >>= 4)
      size.insert(size.begin(), digits[left & 15]);
    out += size;
    if (options.signed_chunks) {
      previous = chunk_signature(chain, previous, sha256(chunk));
      out += ";chunk-signature=" + hex_string(previous);
    }
    out += "\r\n";
    out += chunk;
    if (!chunk.empty()) out += "\r\n";
  };
  for (std::size_t at = 0; at < payload.size(); at += options.chunk_bytes)
    put_chunk(payload.substr(at, options.chunk_bytes));
  put_chunk({});
  if (options.trailer != ChecksumAlgorithm::none) {
    Checksum checksum(options.trailer);
    checksum.update(bytes_of(payload));
    std::string line(checksum_header(options.trailer));
    line += ":";
    line += checksum.finish().base64().view();
    out += line + "\r\n";
    if (options.signed_chunks)
      out += "x-amz-trailer-signature:" +
             hex_string(trailer_signature(chain, previous, sha256(line + "\n"))) + "\r\n";
  }
  return out + "\r\n";
}

}  // namespace millrace::s3
