// Whether a policy lets somebody do something: one pure function of the policy and the question.
// Source: "Policy evaluation logic", "The meaning of public" of AWS's documentation.
#pragma once

#include "s3/policy/document.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::s3::policy {

// What the request has. Only what Document::keys_used names need be filled in; a key that is not
// there is absent from the request.
struct Context {
  std::array<std::optional<std::string_view>, key_count> texts;  // also numbers and booleans
  std::optional<Address> source;
  std::int64_t now_seconds = 0;  // since 1970
};

struct Question {
  std::string_view principal;  // a name; empty: anonymous
  std::string_view action;     // "s3:GetObject"
  std::string_view bucket;
  std::optional<std::string_view> key;  // decoded, at most 1,024 bytes; none: the bucket itself
};

enum class Verdict : std::uint8_t { unsaid, allow, deny };

// Deny of any statement wins over all that allow.
Verdict evaluate(const Document& document, const Question& question, const Context& context);

// Whether a statement gives something to everybody. One that is bound to networks by IpAddress on
// aws:SourceIp does not, unless a network is wider than /8 (IPv4) or /32 (IPv6).
bool is_public(const Document& document);

}  // namespace millrace::s3::policy
