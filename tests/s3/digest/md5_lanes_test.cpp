// Each kernel that this processor has against libcrypto: published messages in every lane, random
// ones of all lengths, and lanes that go on from where others left them.
#include "s3/digest/md5_lanes.h"

#include "s3/digest/encoding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <string>
#include <vector>

namespace millrace::s3 {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, std::mt19937_64& random) {
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

// RFC 1321, 3.1 and 3.2: the message with its padding, whole blocks.
std::vector<std::byte> padded(std::string_view text) {
  const auto bytes = bytes_of(text);
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  out.push_back(std::byte{0x80});
  while (out.size() % 64 != 56) out.push_back(std::byte{0});
  for (unsigned i = 0; i < 8; ++i) {
    out.push_back(static_cast<std::byte>(std::uint64_t{text.size()} * 8 >> 8 * i));
  }
  return out;
}

std::string hex_of_chain(const Md5::Chain& chain) {
  Md5::Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(chain[i / 4] >> 8 * (i % 4));
  }
  const auto text = hex_of(digest);
  return {text.data(), text.size()};
}

struct Known {
  std::string_view text;
  std::string_view digest;
};

// RFC 1321, A.5.
constexpr Known known[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

TEST_CASE("md5 lanes: there is a kernel wherever words are little-endian") {
  const auto kernels = md5_kernels();
  CHECK(kernels.empty() == (std::endian::native != std::endian::little));
  for (const Md5Kernel& kernel : kernels) CHECK(kernel.lanes_min >= 2);
#if defined(__x86_64__)
  REQUIRE_FALSE(kernels.empty());
  CHECK(kernels.back().name == "baseline");
  CHECK((kernels.front().name == "avx512") ==
        (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")));
#endif
}

TEST_CASE("md5 lanes: published digests in every lane of every kernel") {
  for (const Md5Kernel& kernel : md5_kernels()) {
    CAPTURE(kernel.name);
    for (std::size_t count = 1; count <= md5_lanes_max; ++count) {
      CAPTURE(count);
      // Messages of one block and of two, each kind in a run of its own.
      for (const std::size_t blocks : {1u, 2u}) {
        std::vector<std::vector<std::byte>> texts;
        std::vector<std::string_view> expected;
        while (texts.size() < count) {
          for (const Known& one : known) {
            auto text = padded(one.text);
            if (text.size() != blocks * 64 || texts.size() == count) continue;
            texts.push_back(std::move(text));
            expected.push_back(one.digest);
          }
        }
        std::vector<Md5Lane> lanes;
        for (const auto& text : texts) lanes.push_back({.chain = Md5().chain(), .at = text.data()});
        kernel.advance(lanes, blocks);
        for (std::size_t i = 0; i < count; ++i) {
          CHECK(hex_of_chain(lanes[i].chain) == expected[i]);
          CHECK(lanes[i].at == texts[i].data() + texts[i].size());
        }
      }
    }
  }
}

// Messages of different lengths, each begun by libcrypto at some odd place, then taken along for a
// random number of blocks at a time in changing company, and ended by libcrypto.
TEST_CASE("md5 lanes: random messages in random company") {
  std::mt19937_64 random(1);
  for (const Md5Kernel& kernel : md5_kernels()) {
    CAPTURE(kernel.name);
    for (int round = 0; round < 60; ++round) {
      const std::size_t count = 1 + random() % 20;
      CAPTURE(count);
      std::vector<std::vector<std::byte>> texts;
      std::vector<Md5> running(count);
      std::vector<std::size_t> done(count);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t skipped = 64 * (random() % 3);
        texts.push_back(random_bytes(skipped + random() % 3'000, random));
        running[i].update(std::span(texts[i]).first(skipped));
        done[i] = skipped;
      }
      for (;;) {
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < count; ++i) {
          if (texts[i].size() - done[i] >= 64) left.push_back(i);
        }
        if (left.empty()) break;
        std::shuffle(left.begin(), left.end(), random);
        left.resize(1 + random() % std::min(left.size(), md5_lanes_max));
        std::size_t blocks = 1 + random() % 20;
        for (const std::size_t i : left) {
          blocks = std::min(blocks, (texts[i].size() - done[i]) / 64);
        }
        std::vector<Md5Lane> lanes;
        for (const std::size_t i : left) {
          lanes.push_back({.chain = running[i].chain(), .at = texts[i].data() + done[i]});
        }
        kernel.advance(lanes, blocks);
        for (std::size_t k = 0; k < left.size(); ++k) {
          running[left[k]].continue_from(lanes[k].chain, blocks);
          done[left[k]] += 64 * blocks;
        }
      }
      for (std::size_t i = 0; i < count; ++i) {
        Md5 whole;
        whole.update(texts[i]);
        running[i].update(std::span(texts[i]).subspan(done[i]));
        CHECK(running[i].finish() == whole.finish());
      }
    }
  }
}

// The length goes into the last block as 64 bits, which libcrypto keeps in two words: half a GiB
// is 2^32 bits. Blocks that are only said to be hashed change nothing but the length.
TEST_CASE("md5 lanes: lengths beyond 2^32 bits are counted on") {
  Md5 running;
  for (int i = 0; i < 520; ++i) running.continue_from(running.chain(), 1 << 14);
  running.update("abc");
  const auto digest = hex_of(running.finish());

  const std::uint64_t bits = (520ULL << 23) + 24;
  auto last = padded("abc");
  for (unsigned i = 0; i < 8; ++i) last[56 + i] = static_cast<std::byte>(bits >> 8 * i);
  Md5 expected;
  expected.update(last);
  CHECK(std::string_view(digest.data(), digest.size()) == hex_of_chain(expected.chain()));
}

}  // namespace
}  // namespace millrace::s3
