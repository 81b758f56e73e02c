// A bucket's policy after it was read: plain values that can only say what evaluate.h understands.
// Immutable once made; belongs to one shard or request.
// Source: "Grammar of the IAM JSON policy language" and "Bucket policies" of AWS's documentation.
#pragma once

#include "s3/policy/keys.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::s3::policy {

// An address of either family; IPv4 in the last four bytes, IPv4 in IPv6 (::ffff:a.b.c.d) as IPv4.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool v4 = false;
};

struct Network {
  Address address;
  unsigned bits = 0;  // of 32 for IPv4, of 128 for IPv6
  bool contains(const Address& one) const;
};

// How a value of the request is compared with those of a condition.
enum class Comparison : std::uint8_t {
  text,     // the whole text
  pattern,  // '*' and '?'
  equal,    // numbers and times, as are the next four
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  truth,    // true or false
  network,  // an address within one
  absence,  // of the key itself
};

struct Condition {
  Key key{};
  Comparison comparison{};
  bool negated = false;      // holds where none of the values matches
  bool ignore_case = false;  // of text
  bool if_exists = false;    // holds where the request does not have the key
  // Any of them; the one list that the comparison is about.
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;  // and seconds since 1970; truth: 0 or 1
  std::vector<Network> networks;
};

enum class Effect : std::uint8_t { allow, deny };

// Patterns of actions ("s3:Get*") and of resources without "arn:aws:s3:::" ("bucket/a/*").
struct Statement {
  Effect effect = Effect::deny;
  bool anyone = false;                  // Principal "*"
  std::vector<std::string> principals;  // names
  bool all_actions_but = false;         // NotAction
  std::vector<std::string> actions;
  bool all_resources_but = false;  // NotResource
  std::vector<std::string> resources;
  std::vector<Condition> conditions;  // all of them
};

struct Document {
  std::vector<Statement> statements;
  KeySet keys_used = 0;    // what the conditions ask of a request
  bool is_public = false;  // by the rules of evaluate.h
};

}  // namespace millrace::s3::policy
