// The operators of conditions, and the values that they take. Pure.
// Source: "IAM JSON policy elements: Condition operators" of AWS's documentation.
#pragma once

#include "s3/policy/document.h"

#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace millrace::s3::policy {

// `values` are those of the JSON document; numbers and booleans as text. The error is a message.
std::expected<Condition, std::string> make_condition(std::string_view operator_name,
                                                     std::string_view key_name,
                                                     std::span<const std::string> values);

}  // namespace millrace::s3::policy
