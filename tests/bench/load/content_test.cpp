// Objects' content: made in any pieces it is the same, and whatever is changed shows.
#include "bench/load/content.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace millrace::bench;

namespace {

std::vector<std::byte> made(const Content& content, const ObjectName& name) {
  std::vector<std::byte> bytes(name.bytes);
  content.copy(name, 0, bytes);
  return bytes;
}

bool good(const Content& content, const ObjectName& name, std::span<const std::byte> bytes,
          std::size_t piece) {
  ContentCheck check = ContentCheck::whole(content, name.object, name.bytes);
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    check.take(bytes.first(count));
    bytes = bytes.subspan(count);
  }
  return check.good();
}

}  // namespace

TEST_CASE("content: any size and version, checked in any pieces") {
  const Content content(5);
  for (const std::uint64_t size : {0, 1, 15, 16, 17, 100, 4096, 70'000}) {
    for (const std::uint64_t version : {0ULL, 1ULL, 77ULL << 40}) {
      const ObjectName name{3, size, version};
      const auto bytes = made(content, name);
      for (const std::size_t piece : {1U, 7U, 16U, 1000U, 100'000U}) {
        CAPTURE(size);
        CAPTURE(piece);
        CHECK(good(content, name, bytes, piece));
      }
    }
  }
}

TEST_CASE("content: pieces that are sent are what is copied, over the block's end too") {
  const Content content(5);
  const ObjectName name{9, 3 * Content::period_bytes, 4};
  const auto whole = made(content, name);
  std::uint64_t at = Content::stamp_bytes;
  while (at < name.bytes) {
    const auto piece = content.piece(name, at, name.bytes - at);
    REQUIRE_FALSE(piece.empty());
    CHECK(std::ranges::equal(piece, std::span(whole).subspan(at, piece.size())));
    at += piece.size();
  }
  CHECK(at == name.bytes);
  CHECK(good(content, name, whole, 12'345));
}

TEST_CASE("content: every wrong bit, a missing end, another object, size or version's rest shows") {
  const Content content(5);
  const ObjectName name{3, 200, 8};
  const auto right = made(content, name);
  for (std::size_t at = 0; at < right.size(); ++at) {
    auto wrong = right;
    wrong[at] ^= std::byte{4};
    CAPTURE(at);
    CHECK_FALSE(good(content, name, wrong, 64));
  }
  CHECK_FALSE(good(content, name, std::span(right).first(199), 64));
  auto longer = right;
  longer.push_back({});
  CHECK_FALSE(good(content, name, longer, 64));
  CHECK_FALSE(good(content, name, made(content, {4, 200, 8}), 64));
  auto torn = made(content, {3, 200, 9});
  std::copy(right.begin(), right.begin() + 100, torn.begin());
  CHECK_FALSE(good(content, name, torn, 64));
  CHECK_FALSE(good(Content(6), name, right, 64));
}

TEST_CASE("content: parts of prepared objects") {
  const Content content(5);
  const auto whole = made(content, {3, 5000, 0});
  for (const std::uint64_t offset : {0, 3, 15, 16, 17, 4000}) {
    const auto part = std::span(whole).subspan(offset, 900);
    ContentCheck check = ContentCheck::part(content, 3, 5000, offset, 900);
    check.take(part.first(5));
    CHECK_FALSE(check.good());
    check.take(part.subspan(5));
    CHECK(check.good());
    ContentCheck moved = ContentCheck::part(content, 3, 5000, offset + 1, 900);
    moved.take(part);
    CHECK_FALSE(moved.good());
  }
}
