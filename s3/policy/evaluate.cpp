// See evaluate.h.
#include "s3/policy/evaluate.h"

#include "engine/check.h"
#include "s3/policy/pattern.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace millrace::s3::policy {

namespace {

constexpr std::size_t key_bytes_max = 1024;
constexpr std::size_t bucket_bytes_max = 63;

// BUCKET or BUCKET/KEY
class ResourceText {
 public:
  explicit ResourceText(const Question& question) {
    CHECK(question.bucket.size() <= bucket_bytes_max);
    append(question.bucket);
    if (!question.key) return;
    CHECK(question.key->size() <= key_bytes_max);
    append("/");
    append(*question.key);
  }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  void append(std::string_view piece) {
    std::memcpy(text_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
  }
  std::array<char, bucket_bytes_max + 1 + key_bytes_max> text_;
  std::size_t size_ = 0;
};

bool any_matches(std::span<const std::string> patterns, std::string_view text, Letters letters) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return matches(pattern, text, letters); });
}

bool compare(Comparison comparison, std::int64_t one, std::int64_t wanted) {
  switch (comparison) {
    case Comparison::less: return one < wanted;
    case Comparison::less_or_equal: return one <= wanted;
    case Comparison::greater: return one > wanted;
    case Comparison::greater_or_equal: return one >= wanted;
    default: return one == wanted;
  }
}

std::optional<std::int64_t> number_of(const Condition& condition, const Context& context) {
  if (kind_of(condition.key) == KeyKind::time) return context.now_seconds;
  const auto& text = context.texts[static_cast<std::size_t>(condition.key)];
  if (!text) return std::nullopt;
  if (condition.comparison == Comparison::truth) return equal_ignoring_case(*text, "true") ? 1 : 0;
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  // What is no number equals none: as if it were not there.
  if (failed != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

// Whether one of the values matches; nothing where the request does not have the key.
std::optional<bool> any_value_matches(const Condition& condition, const Context& context) {
  const auto& text = context.texts[static_cast<std::size_t>(condition.key)];
  switch (condition.comparison) {
    case Comparison::text:
      if (!text) return std::nullopt;
      return std::ranges::any_of(condition.texts, [&](const std::string& wanted) {
        return condition.ignore_case ? equal_ignoring_case(wanted, *text) : wanted == *text;
      });
    case Comparison::pattern:
      if (!text) return std::nullopt;
      return any_matches(condition.texts, *text, Letters::exact);
    case Comparison::network:
      if (!context.source) return std::nullopt;
      return std::ranges::any_of(condition.networks, [&](const Network& network) {
        return network.contains(*context.source);
      });
    default: break;
  }
  const auto number = number_of(condition, context);
  if (!number) return std::nullopt;
  return std::ranges::any_of(condition.numbers, [&](std::int64_t wanted) {
    return compare(condition.comparison, *number, wanted);
  });
}

bool is_absent(Key key, const Context& context) {
  if (kind_of(key) == KeyKind::time) return false;
  if (kind_of(key) == KeyKind::address) return !context.source;
  return !context.texts[static_cast<std::size_t>(key)];
}

bool holds(const Condition& condition, const Context& context) {
  if (condition.comparison == Comparison::absence) {
    const std::int64_t absent = is_absent(condition.key, context) ? 1 : 0;
    return std::ranges::find(condition.numbers, absent) != condition.numbers.end();
  }
  const auto matched = any_value_matches(condition, context);
  if (!matched) return condition.if_exists || condition.negated;
  return *matched != condition.negated;
}

bool concerns(const Statement& statement, const Question& question) {
  if (statement.anyone) return true;
  if (question.principal.empty()) return false;
  return std::ranges::find(statement.principals, question.principal) != statement.principals.end();
}

bool binds_to_networks(const Condition& condition) {
  constexpr unsigned v4_bits_min = 8;
  constexpr unsigned v6_bits_min = 32;
  return condition.comparison == Comparison::network && !condition.negated &&
         !condition.if_exists && std::ranges::all_of(condition.networks, [](const Network& each) {
           return each.bits >= (each.address.v4 ? v4_bits_min : v6_bits_min);
         });
}

}  // namespace

bool Network::contains(const Address& one) const {
  if (one.v4 != address.v4) return false;
  const std::size_t first_bit = address.v4 ? 96 : 0;
  for (std::size_t bit = first_bit; bit < first_bit + bits; ++bit) {
    const unsigned differ = address.bytes[bit / 8] ^ one.bytes[bit / 8];
    if ((differ & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

Verdict evaluate(const Document& document, const Question& question, const Context& context) {
  const ResourceText resource(question);
  Verdict verdict = Verdict::unsaid;
  for (const Statement& each : document.statements) {
    if (each.effect == Effect::allow && verdict == Verdict::allow) continue;
    if (!concerns(each, question)) continue;
    if (any_matches(each.actions, question.action, Letters::ignore_case) == each.all_actions_but) {
      continue;
    }
    if (any_matches(each.resources, resource.view(), Letters::exact) == each.all_resources_but) {
      continue;
    }
    if (!std::ranges::all_of(each.conditions,
                             [&](const Condition& one) { return holds(one, context); })) {
      continue;
    }
    if (each.effect == Effect::deny) return Verdict::deny;
    verdict = Verdict::allow;
  }
  return verdict;
}

bool is_public(const Document& document) {
  return std::ranges::any_of(document.statements, [](const Statement& each) {
    return each.effect == Effect::allow && each.anyone &&
           std::ranges::none_of(each.conditions, binds_to_networks);
  });
}

}  // namespace millrace::s3::policy
