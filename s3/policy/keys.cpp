// See keys.h.
#include "s3/policy/keys.h"

#include "s3/policy/pattern.h"

namespace millrace::s3::policy {

namespace {

struct Row {
  std::string_view name;
  KeyKind kind;
};

constexpr std::array<Row, key_count> rows = {{
#define MILLRACE_POLICY_ROW(identifier, name, kind) Row{name, KeyKind::kind},
    MILLRACE_POLICY_KEYS(MILLRACE_POLICY_ROW)
#undef MILLRACE_POLICY_ROW
}};

}  // namespace

std::optional<Key> key_of_name(std::string_view name) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (equal_ignoring_case(name, rows[i].name)) return static_cast<Key>(i);
  }
  return std::nullopt;
}

std::string_view key_name(Key key) {
  return rows[static_cast<std::size_t>(key)].name;
}

KeyKind kind_of(Key key) {
  return rows[static_cast<std::size_t>(key)].kind;
}

}  // namespace millrace::s3::policy
