// Hex and base64: vectors, round trips, and every kind of text that must be refused.
#include "s3/digest/encoding.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace millrace::s3 {
namespace {

std::vector<std::uint8_t> raw(std::string_view text) {
  return {text.begin(), text.end()};
}

std::optional<std::string> decoded(std::string_view text, std::size_t room = 64) {
  std::vector<std::uint8_t> out(room);
  const auto size = base64_decode(text, out);
  if (!size) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

TEST_CASE("encoding: hex") {
  const std::array<std::uint8_t, 4> bytes{0x00, 0x9f, 0xa0, 0xff};
  const auto text = hex_of(bytes);
  CHECK(std::string_view(text.data(), text.size()) == "009fa0ff");
  std::array<std::uint8_t, 4> back{};
  CHECK(hex_decode("009Fa0fF", back));
  CHECK(back == bytes);
  for (std::string_view bad : {"009fa0f", "009fa0fff", "", "009fa0fg", "009fa0f ", "0x9fa0ff"})
    CHECK_FALSE(hex_decode(bad, back));
}

// RFC 4648, section 10.
TEST_CASE("encoding: base64 vectors") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    CHECK(base64_text(raw(plain)) == text);
    CHECK(decoded(text) == plain);
  }
}

TEST_CASE("encoding: base64 round trip of every length and byte") {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 300; ++i) {
    std::vector<std::uint8_t> back(bytes.size());
    const std::string text = base64_text(bytes);
    CHECK(base64_decode(text, back) == bytes.size());
    CHECK(back == bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 7));
  }
}

TEST_CASE("encoding: base64 refuses what is not canonical") {
  for (std::string_view bad : {"Z", "Zg", "Zg=", "Zm9v ", " Zm9v", "Zm9\n", "Zg===", "=", "====",
                               "Z===", "Z=g=", "Zm9v====", "Zh==", "Zm9=", "Zm-_", "Zg==Zg=="})
    CHECK_MESSAGE(!decoded(bad).has_value(), bad);
  CHECK_FALSE(decoded("Zm9v", 2).has_value());
  CHECK(decoded("Zm9v", 3) == "foo");
}

}  // namespace
}  // namespace millrace::s3
