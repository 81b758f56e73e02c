// Digests and HMAC against published vectors.
#include "s3/digest/hash.h"

#include "s3/digest/encoding.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace::s3 {
namespace {

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& digest) {
  const auto text = hex_of(digest);
  return {text.data(), text.size()};
}

template <class Hasher>
std::string hash(std::string_view text) {
  Hasher hasher;
  hasher.update(text);
  return hex(hasher.finish());
}

std::string unhex(std::string_view text) {
  std::string out(text.size() / 2, '\0');
  REQUIRE(hex_decode(text, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

std::string hmac(std::string_view key_hex, std::string_view data) {
  return hex(hmac_sha256(unhex(key_hex), data));
}

// RFC 1321 A.5, FIPS 180-4's examples.
TEST_CASE("hash: known digests") {
  CHECK(hash<Md5>("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hash<Md5>("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(hash<Sha1>("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hash<Sha1>("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(hash<Sha256>("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash<Sha256>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE_TEMPLATE("hash: pieces, reuse, reset and copies", Hasher, Md5, Sha1, Sha256) {
  const std::string text(1'000, 'x');
  Hasher whole;
  whole.update(text);
  const auto expected = whole.finish();

  Hasher pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min<std::size_t>(at % 97 + 1, text.size() - at);
    pieces.update(std::string_view(text).substr(at, size));
    at += size;
  }
  CHECK(pieces.finish() == expected);

  pieces.update("left over");
  pieces.reset();
  pieces.update(text);
  Hasher copy = pieces;
  copy.update("more");
  CHECK(pieces.finish() == expected);
  CHECK(copy.finish() != expected);
  // finish() left the object ready.
  pieces.update(text);
  CHECK(pieces.finish() == expected);
}

// RFC 4231, section 4.
TEST_CASE("hash: hmac") {
  CHECK(hmac("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hmac("4a656665", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac(std::string(40, 'a'), std::string(50, '\xdd')) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK(hmac("0102030405060708090a0b0c0d0e0f10111213141516171819", std::string(50, '\xcd')) ==
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  const std::string long_key(262, 'a');
  CHECK(hmac(long_key, "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hmac(long_key,
             "This is a test using a larger than block-size key and a larger than block-size "
             "data. The key needs to be hashed before being used by the HMAC algorithm.") ==
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
  const std::array<std::uint8_t, 4> key{'J', 'e', 'f', 'e'};
  CHECK(hmac_sha256(key, {"what do ya ", "", "want for nothing?"}) ==
        hmac_sha256("Jefe", "what do ya want for nothing?"));
}

TEST_CASE("hash: constant_time_equal") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "abcd"));
  CHECK_FALSE(constant_time_equal("abc", ""));
}

TEST_CASE("hash: wipe") {
  std::array<std::byte, 5> secret;
  secret.fill(std::byte{7});
  wipe(secret);
  for (std::byte byte : secret) CHECK(byte == std::byte{0});
}

}  // namespace
}  // namespace millrace::s3
