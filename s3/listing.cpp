// Parameters, token and collector of ListObjects; see the header. The owner is the request.
#include "s3/listing.h"

#include <array>
#include <limits>
#include <optional>

namespace millrace::s3 {
namespace {

constexpr std::string_view max_keys_message =
    "Provided max-keys not an integer or within integer range";

// The decoded value of a parameter; empty if it's absent.
Outcome<std::string_view> value_of(const QueryParameters& query, std::string_view name,
                                   DecodeArena& arena) {
  const auto parameter = query.find(name);
  if (!parameter) return std::string_view{};
  return arena.decode(parameter->value, UriPart::query);
}

// An empty value is as good as none. AWS takes any 32-bit integer and cuts it to 1000.
Outcome<std::uint32_t> max_keys_of(const QueryParameters& query) {
  const auto parameter = query.find("max-keys");
  if (!parameter || parameter->value.empty()) return list_keys_max;
  const auto number = parse_decimal(parameter->value, std::numeric_limits<std::int32_t>::max());
  if (!number) return refuse_argument(max_keys_message, "max-keys", parameter->value);
  return static_cast<std::uint32_t>(*number < list_keys_max ? *number : list_keys_max);
}

Outcome<bool> encoding_of(const QueryParameters& query) {
  const auto parameter = query.find("encoding-type");
  if (!parameter || parameter->value.empty()) return false;
  if (decodes_to(parameter->value, "url", Case::exact)) return true;
  return refuse_argument("Invalid Encoding Method specified in Request", "encoding-type",
                         parameter->value);
}

// FNV-1a, folded to 32 bits.
std::uint32_t check_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

constexpr char token_version = 1;
constexpr std::size_t token_head_bytes = 5;  // version, check
constexpr std::string_view base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::array<char, token_head_bytes> token_head(std::string_view last) {
  const std::uint32_t check = check_of(last);
  return {token_version, static_cast<char>(check >> 24), static_cast<char>(check >> 16),
          static_cast<char>(check >> 8), static_cast<char>(check)};
}

// Reads unpadded base64url in its one canonical form (unused bits zero).
bool decode_base64url(std::string_view text, std::string& out) {
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::size_t value = base64url.find(c);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xff));
  }
  return held < 6 && (bits & ((1u << held) - 1)) == 0;
}

Outcome<std::string_view> token_position(std::string_view token, DecodeArena& arena) {
  std::string decoded;
  if (const auto read = decode_token(token, decoded); !read) return std::unexpected(read.error());
  return arena.copy(decoded);
}

}  // namespace

Outcome<ListParameters> parse_list_parameters(ListVersion version, const QueryParameters& query,
                                              DecodeArena& arena) {
  ListParameters list;
  list.version = version;
  const auto max_keys = max_keys_of(query);
  if (!max_keys) return std::unexpected(max_keys.error());
  list.max_keys = *max_keys;
  const auto encoding = encoding_of(query);
  if (!encoding) return std::unexpected(encoding.error());
  list.encode_url = *encoding;

  struct Wanted {
    std::string_view name;
    std::string_view* value;
    bool of_version;
  };
  const bool v2 = version == ListVersion::v2;
  const std::array wanted = {
      Wanted{"prefix", &list.prefix, true},
      Wanted{"delimiter", &list.delimiter, true},
      Wanted{"marker", &list.marker, !v2},
      Wanted{"start-after", &list.start_after, v2},
      Wanted{"continuation-token", &list.continuation_token, v2},
  };
  for (const Wanted& parameter : wanted) {
    if (!parameter.of_version) continue;
    const auto value = value_of(query, parameter.name, arena);
    if (!value) return std::unexpected(value.error());
    *parameter.value = *value;
  }
  if (!v2) {
    list.after = list.marker;
    list.fetch_owner = true;
    return list;
  }
  const auto owner = query.find("fetch-owner");
  list.fetch_owner = owner && decodes_to(owner->value, "true", Case::ignored);
  list.after = list.start_after;
  list.has_token = query.find("continuation-token").has_value();
  if (list.continuation_token.empty()) return list;  // AWS: an empty token is the first page
  const auto position = token_position(list.continuation_token, arena);
  if (!position) return std::unexpected(position.error());
  list.after = *position;  // a token outranks start-after
  return list;
}

void append_token(std::string& out, std::string_view last) {
  const auto head = token_head(last);
  std::uint32_t bits = 0;
  int held = 0;
  const auto put = [&](char c) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffffff;
    for (held += 8; held >= 6; held -= 6) out.push_back(base64url[bits >> (held - 6) & 63]);
  };
  for (const char c : head) put(c);
  for (const char c : last) put(c);
  if (held > 0) out.push_back(base64url[bits << (6 - held) & 63]);
}

Outcome<> decode_token(std::string_view token, std::string& out) {
  out.clear();
  const bool readable = decode_base64url(token, out) && out.size() > token_head_bytes;
  if (readable) {
    const std::string_view last = std::string_view(out).substr(token_head_bytes);
    const auto head = token_head(last);
    if (out.starts_with(std::string_view(head.data(), head.size()))) {
      out.erase(0, token_head_bytes);
      return {};
    }
  }
  return refuse_argument("The continuation token provided is incorrect", "continuation-token",
                         token);
}

bool advance_past_prefix(std::string& prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return false;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return true;
}

Collector::Collector(const ListParameters& parameters)
    : prefix_(parameters.prefix),
      delimiter_(parameters.delimiter),
      max_keys_(parameters.max_keys),
      finished_(parameters.max_keys == 0),
      next_(parameters.prefix) {
  if (parameters.after.empty()) return;
  const std::string_view common = rolled_up(parameters.after);
  if (!common.empty()) {
    want_past(common);
  } else if (parameters.after >= prefix_) {
    want_after(parameters.after);
  }
}

std::string_view Collector::rolled_up(std::string_view key) const {
  if (delimiter_.empty() || !key.starts_with(prefix_)) return {};
  const std::size_t at = key.find(delimiter_, prefix_.size());
  if (at == std::string_view::npos) return {};
  return key.substr(0, at + delimiter_.size());
}

void Collector::want_after(std::string_view key) {
  next_.assign(key);
  next_.push_back('\0');
}

void Collector::want_past(std::string_view common_prefix) {
  next_.assign(common_prefix);
  if (!advance_past_prefix(next_)) finished_ = true;
}

Decision Collector::offer(std::string_view key) {
  if (finished_) return Decision::done;
  if (key < next_) return Decision::skip;
  if (!key.starts_with(prefix_)) {  // not before next_, so beyond all keys with the prefix
    finished_ = true;
    return Decision::done;
  }
  if (count_ == max_keys_) {
    truncated_ = true;
    finished_ = true;
    return Decision::done;
  }
  ++count_;
  const std::string_view common = rolled_up(key);
  if (common.empty()) {
    last_.assign(key);
    want_after(key);
    return Decision::emit;
  }
  last_.assign(common);
  want_past(common);
  return Decision::common_prefix;
}

}  // namespace millrace::s3
