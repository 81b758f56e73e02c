// Metadata that is not ASCII: AWS's own example, both encodings, and no byte lost.
#include "s3/handlers/encoded_word.h"

#include <doctest/doctest.h>

#include "s3/digest/encoding.h"

#include <array>
#include <string>

using namespace millrace::s3;
using handlers::encoded_words;
using handlers::is_ascii;

namespace {

// The bytes behind words; nothing when they are not what RFC 2047 allows.
std::string decoded(std::string text) {
  std::string utf8;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string word = text.substr(0, end);
    text.erase(0, end + 1);
    REQUIRE(word.size() <= 75);
    REQUIRE(word.starts_with("=?UTF-8?"));
    REQUIRE(word.ends_with("?="));
    const std::string body = word.substr(10, word.size() - 12);
    if (word[8] == 'B') {
      std::array<std::uint8_t, 64> bytes;
      const auto size = base64_decode(body, bytes);
      REQUIRE(size);
      utf8.append(reinterpret_cast<const char*>(bytes.data()), *size);
    } else {
      REQUIRE(word[8] == 'Q');
      for (std::size_t i = 0; i < body.size(); ++i) {
        if (body[i] == '=') {
          utf8.push_back(static_cast<char>(hex_digit(body[i + 1]) << 4 | hex_digit(body[i + 2])));
          i += 2;
        } else {
          utf8.push_back(body[i] == '_' ? ' ' : body[i]);
        }
      }
    }
    // Each word is whole characters: two bytes each, or ASCII.
    REQUIRE((static_cast<unsigned char>(utf8.back()) < 0xc0));
  }
  std::string latin1;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      latin1.push_back(utf8[i]);
    } else {
      latin1.push_back(static_cast<char>((byte & 3) << 6 | (utf8[++i] & 0x3f)));
    }
  }
  return latin1;
}

}  // namespace

TEST_CASE("encoded words: the example of the user guide") {
  CHECK(is_ascii("AMAZONS3"));
  CHECK_FALSE(is_ascii("ÄMÄZÕÑ S3"));
  CHECK(encoded_words("ÄMÄZÕÑ S3") == "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=");
}

TEST_CASE("encoded words: mostly ASCII is written in Q") {
  CHECK(encoded_words("Hello World\xe9") == "=?UTF-8?Q?Hello_World=C3=A9?=");
  CHECK(encoded_words("a=b?c_d \xe9 and more") == "=?UTF-8?Q?a=3Db=3Fc=5Fd_=C3=A9_and_more?=");
}

TEST_CASE("encoded words: whatever comes, in words of at most 75 characters") {
  for (unsigned step : {1u, 7u, 31u}) {
    for (std::size_t size = 1; size < 400; size += 3) {
      std::string value;
      for (std::size_t i = 0; i < size; ++i) {
        value.push_back(static_cast<char>(0x20 + (i * step * 37) % 0xe0));
      }
      CAPTURE(size);
      CHECK(decoded(encoded_words(value)) == value);
    }
  }
}
