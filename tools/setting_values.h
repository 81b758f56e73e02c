// Values of settings as texts: numbers, sizes, names. Pure.
// An empty result means that the text is none of that kind, or out of bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::tools {

// Decimal digits, nothing else.
std::optional<std::uint64_t> parse_whole_number(std::string_view text, std::uint64_t least,
                                                std::uint64_t most);
// "0.95", ".5" or "1": digits with at most one point.
std::optional<double> parse_fraction(std::string_view text, double least, double most);
// Bytes: a whole number, alone or with K, M, G or T (powers of 1024), which "iB" or "B" may follow.
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t least,
                                        std::uint64_t most);
// A DNS name in lower case, without a port or outer dots.
bool is_domain(std::string_view text);

}  // namespace millrace::tools
