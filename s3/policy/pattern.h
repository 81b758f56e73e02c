// Patterns of policies: '*' is any number of characters, '/' among them, '?' is one. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::s3::policy {

enum class Letters : std::uint8_t { exact, ignore_case };

bool equal_ignoring_case(std::string_view one, std::string_view other);

// Time: the product of both lengths at most.
bool matches(std::string_view pattern, std::string_view text, Letters letters = Letters::exact);

// Whether the pattern matches anything that begins with `text`.
bool may_match_beginning(std::string_view pattern, std::string_view text);

}  // namespace millrace::s3::policy
