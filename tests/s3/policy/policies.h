// Policies in few words: one statement, whose members a test changes one by one.
#pragma once

#include "s3/policy/parse.h"

#include <map>
#include <string>
#include <string_view>

namespace millrace::tests {

// Members as JSON text; an empty one is left out.
inline std::string statement(const std::map<std::string, std::string>& changed = {}) {
  std::map<std::string, std::string> members = {{"Effect", "\"Allow\""},
                                                {"Principal", "\"*\""},
                                                {"Action", "\"s3:GetObject\""},
                                                {"Resource", "\"arn:aws:s3:::bucket/*\""}};
  for (const auto& [name, value] : changed) members[name] = value;
  std::string text;
  for (const auto& [name, value] : members) {
    if (!value.empty()) text += (text.empty() ? "\"" : ", \"") + name + "\": " + value;
  }
  return "{" + text + "}";
}

inline std::string policy_text(const std::string& statements) {
  return "{\"Version\": \"2012-10-17\", \"Statement\": [" + statements + "]}";
}

inline std::expected<s3::policy::Document, std::string> parse_policy(std::string_view text) {
  return s3::policy::parse(text, "bucket", "root");
}

}  // namespace millrace::tests
