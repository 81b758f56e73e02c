// The packed attribute: round trips, every damaged byte and every truncation
// noticed, overflow into the sidecar, unknown sections kept, newer levels refused.
#include "s3/store/metadata.h"

#include <doctest/doctest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace millrace::s3::store;
using millrace::engine::Errc;

namespace {

using Buffer = std::vector<std::byte>;

struct Packed {
  Buffer attribute;
  Buffer sidecar;
};

Packed pack(const MetadataView& view, std::size_t room = attribute_bytes_max) {
  Packed packed;
  packed.attribute.resize(attribute_bytes_max);
  const auto encoded = encode(view, room, packed.attribute, packed.sidecar);
  REQUIRE(encoded.has_value());
  CHECK(encoded->attribute_bytes <= room);
  CHECK(encoded->has_sidecar == !packed.sidecar.empty());
  packed.attribute.resize(encoded->attribute_bytes);
  return packed;
}

MetadataView unpack(const Packed& packed) {
  auto view = decode(packed.attribute);
  REQUIRE(view.has_value());
  CHECK(view->sidecar.present == !packed.sidecar.empty());
  if (view->sidecar.present) REQUIRE(decode_sidecar(packed.sidecar, *view).has_value());
  return *view;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

void check_same(const MetadataView& a, const MetadataView& b) {
  CHECK(a.size == b.size);
  CHECK(a.file_size == b.file_size);
  CHECK(a.mtime_ns == b.mtime_ns);
  CHECK(a.id == b.id);
  CHECK(a.etag.kind == b.etag.kind);
  CHECK(a.etag.parts == b.etag.parts);
  CHECK(a.etag.md5 == b.etag.md5);
  CHECK(a.etag.opaque == b.etag.opaque);
  CHECK(a.checksum.algorithm == b.checksum.algorithm);
  CHECK(a.checksum.type == b.checksum.type);
  CHECK(a.checksum.value == b.checksum.value);
  CHECK(a.content_type == b.content_type);
  CHECK(a.fields == b.fields);
  CHECK(same(a.user.payload(), b.user.payload()));
  CHECK(same(a.tags.payload(), b.tags.payload()));
  CHECK(same(a.parts.payload(), b.parts.payload()));
  CHECK(same(a.blocks.payload(), b.blocks.payload()));
}

// Owns what a random view points to.
struct Sample {
  MetadataView view;
  std::vector<std::string> texts;
  Buffer user, tags, parts;
  std::vector<std::uint8_t> part_checksums;
  std::vector<std::uint64_t> blocks;
};

std::string random_text(std::mt19937_64& random, std::size_t most) {
  std::string text(random() % (most + 1), ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

PackedPairs random_pairs(std::mt19937_64& random, Sample& sample, Buffer& out) {
  std::vector<Pair> pairs(random() % 6);
  for (Pair& pair : pairs) {
    pair.name = sample.texts.emplace_back(random_text(random, 20));
    pair.value = sample.texts.emplace_back(random_text(random, 300));
  }
  out.resize(PackedPairs::packed_bytes(pairs));
  const auto packed = PackedPairs::pack(pairs, out);
  REQUIRE(packed.has_value());
  std::size_t index = 0;
  for (const Pair pair : *packed) {
    CHECK(pair.name == pairs[index].name);
    CHECK(pair.value == pairs[index].value);
    ++index;
  }
  CHECK(index == pairs.size());
  return *packed;
}

void add_parts(std::mt19937_64& random, Sample& sample) {
  const auto algorithm = static_cast<StoredChecksum>(random() % 11);
  const std::size_t value_bytes = checksum_value_bytes(algorithm);
  std::vector<Part> parts(random() % 40);
  sample.part_checksums.resize(parts.size() * value_bytes);
  for (auto& byte : sample.part_checksums) byte = static_cast<std::uint8_t>(random());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i] = {static_cast<std::uint32_t>(i * 3 + 1), random(),
                std::span(sample.part_checksums).subspan(i * value_bytes, value_bytes)};
  }
  sample.parts.resize(PackedParts::packed_bytes(parts.size(), algorithm));
  const auto packed = PackedParts::pack(parts, algorithm, sample.parts);
  REQUIRE(packed.has_value());
  CHECK(packed->size() == parts.size());
  CHECK(packed->algorithm() == algorithm);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    CHECK(packed->at(i).number == parts[i].number);
    CHECK(packed->at(i).size == parts[i].size);
    CHECK(std::ranges::equal(packed->at(i).checksum, parts[i].checksum));
  }
  sample.view.parts = *packed;
}

void fill(std::mt19937_64& random, Sample& sample) {
  sample.texts.reserve(64);
  MetadataView& view = sample.view;
  view.size = random();
  view.file_size = random();
  view.mtime_ns = static_cast<std::int64_t>(random());
  for (auto& byte : view.id) byte = static_cast<std::uint8_t>(random());
  view.etag.kind = static_cast<EtagKind>(random() % 3);
  view.etag.parts = static_cast<std::uint32_t>(random());
  if (view.etag.kind != EtagKind::opaque) {
    for (auto& byte : view.etag.md5) byte = static_cast<std::uint8_t>(random());
  } else {
    view.etag.opaque = sample.texts.emplace_back(random_text(random, etag_opaque_bytes_max));
  }
  view.checksum.algorithm = static_cast<StoredChecksum>(random() % 11);
  view.checksum.type = static_cast<StoredChecksumType>(random() % 2);
  for (std::size_t i = 0; i < checksum_value_bytes(view.checksum.algorithm); ++i) {
    view.checksum.value[i] = static_cast<std::uint8_t>(random());
  }
  view.content_type = sample.texts.emplace_back(random_text(random, 60));
  for (auto& field : view.fields) {
    if (random() % 2 == 0) field = sample.texts.emplace_back(random_text(random, 200));
  }
  view.user = random_pairs(random, sample, sample.user);
  view.tags = random_pairs(random, sample, sample.tags);
  add_parts(random, sample);
  sample.blocks.resize(random() % 50);
  for (auto& digest : sample.blocks) digest = random();
  view.blocks = PackedDigests::of(sample.blocks);
}

// Puts a section before the digest of a frame and makes the frame good again.
void add_section(Buffer& frame, std::uint8_t id, std::uint8_t level, std::string_view payload) {
  frame.resize(frame.size() - 8);
  const auto length = static_cast<std::uint32_t>(payload.size());
  const auto put = [&](const void* from, std::size_t count) {
    const auto* bytes = static_cast<const std::byte*>(from);
    frame.insert(frame.end(), bytes, bytes + count);
  };
  put(&id, 1);
  put(&level, 1);
  put(&length, 4);
  put(payload.data(), payload.size());
  const std::uint64_t digest = XXH3_64bits(frame.data(), frame.size());
  put(&digest, 8);
}

bool holds(std::span<const std::byte> frame, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(frame.data()), frame.size()).find(text) !=
         std::string_view::npos;
}

}  // namespace

TEST_CASE("random metadata survives any room that holds its head") {
  std::mt19937_64 random(42);
  int sidecars = 0;
  for (int i = 0; i < 400; ++i) {
    Sample sample;
    fill(random, sample);
    for (const std::size_t room : {attribute_bytes_max, std::size_t{3500}, std::size_t{400}}) {
      const Packed packed = pack(sample.view, room);
      const MetadataView view = unpack(packed);
      check_same(sample.view, view);
      sidecars += packed.sidecar.empty() ? 0 : 1;
      // Written again with all the room, from the view that was read.
      check_same(sample.view, unpack(pack(view)));
    }
  }
  CHECK(sidecars > 100);
}

TEST_CASE("every single damaged byte and every truncation is noticed") {
  std::mt19937_64 random(1);
  Sample sample;
  fill(random, sample);
  Packed packed = pack(sample.view, 700);
  REQUIRE_FALSE(packed.sidecar.empty());
  for (std::size_t at = 0; at < packed.attribute.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      packed.attribute[at] ^= std::byte(flip);
      const auto view = decode(packed.attribute);
      packed.attribute[at] ^= std::byte(flip);
      REQUIRE_FALSE(view.has_value());
      CHECK(view.error().code == Errc::corrupt);
    }
    CHECK_FALSE(decode(std::span(packed.attribute).first(at)).has_value());
  }
  for (std::size_t at = 0; at < packed.sidecar.size(); ++at) {
    auto view = decode(packed.attribute);
    packed.sidecar[at] ^= std::byte{0x10};
    const auto damaged = decode_sidecar(packed.sidecar, *view);
    packed.sidecar[at] ^= std::byte{0x10};
    CHECK_FALSE(damaged.has_value());
    CHECK_FALSE(decode_sidecar(std::span(packed.sidecar).first(at), *view).has_value());
    CHECK_FALSE(view->sidecar.loaded);
  }
  Buffer longer = packed.attribute;
  longer.push_back(std::byte{0});
  CHECK_FALSE(decode(longer).has_value());
}

TEST_CASE("a sidecar belongs to one attribute") {
  std::mt19937_64 random(5);
  Sample one, two;
  fill(random, one);
  fill(random, two);
  const Packed first = pack(one.view, 400);
  const Packed second = pack(two.view, 400);
  REQUIRE_FALSE(first.sidecar.empty());
  REQUIRE_FALSE(second.sidecar.empty());
  auto view = decode(first.attribute);
  CHECK(decode_sidecar(second.sidecar, *view).error().code == Errc::corrupt);
}

TEST_CASE("unknown optional sections are kept byte for byte, wherever they were") {
  std::mt19937_64 random(9);
  Sample sample;
  fill(random, sample);
  Packed packed = pack(sample.view);
  add_section(packed.attribute, 0xF0, 7, "from the future");
  add_section(packed.attribute, 0x90, 2, "user metadata of level two");
  const auto read = decode(packed.attribute);
  REQUIRE(read.has_value());
  const std::string section = std::string("\xF0\x07\x0F\0\0\0", 6) + "from the future";

  const Packed whole = pack(*read);
  CHECK(holds(whole.attribute, section));
  // Level-one user metadata is set here, so the newer form gives way.
  CHECK(holds(whole.attribute, "level two") == read->user.empty());

  Packed split = pack(*read, 400);
  REQUIRE_FALSE(split.sidecar.empty());
  CHECK((holds(split.attribute, section) || holds(split.sidecar, section)));
  auto again = decode(split.attribute);
  REQUIRE(decode_sidecar(split.sidecar, *again).has_value());
  CHECK(holds(pack(*again).attribute, section));
}

TEST_CASE("a newer form of a section is kept while nothing replaces it") {
  MetadataView view;
  Packed packed = pack(view);
  add_section(packed.attribute, 0x91, 2, "tags of level two");
  const auto read = decode(packed.attribute);
  REQUIRE(read.has_value());
  CHECK(read->tags.empty());
  CHECK(holds(pack(*read).attribute, "tags of level two"));
  MetadataView tagged = *read;
  Buffer out(64);
  const Pair tag[] = {{"k", "v"}};
  tagged.tags = *PackedPairs::pack(tag, out);
  CHECK_FALSE(holds(pack(tagged).attribute, "tags of level two"));
}

TEST_CASE("what can't be read is unsupported, what contradicts itself is corrupt") {
  MetadataView view;
  view.content_type = "text/plain";
  const Packed good = pack(view);
  Packed packed = good;
  add_section(packed.attribute, 0x70, 1, "must be understood");
  CHECK(decode(packed.attribute).error().code == Errc::unsupported);

  packed = good;
  packed.attribute[3] = std::byte{2};  // the frame's level
  add_section(packed.attribute, 0xF0, 1, "");
  CHECK(decode(packed.attribute).error().code == Errc::unsupported);

  packed = good;
  add_section(packed.attribute, 0x93, 1, "8 bytes.");
  add_section(packed.attribute, 0x93, 1, "8 bytes.");
  CHECK(decode(packed.attribute).error().code == Errc::corrupt);
  packed = good;
  add_section(packed.attribute, 0x93, 1, "7 bytes");
  CHECK(decode(packed.attribute).error().code == Errc::corrupt);
  packed = good;
  add_section(packed.attribute, 0x90, 1, std::string_view("\xFF\xFF\0\0a", 5));
  CHECK(decode(packed.attribute).error().code == Errc::corrupt);
  packed = good;
  add_section(packed.attribute, 0x92, 1, std::string_view("\x01\x04\0\0\xFF\xFF\xFF\xFF", 8));
  CHECK(decode(packed.attribute).error().code == Errc::corrupt);
}

TEST_CASE("limits of the encoder") {
  MetadataView view;
  Buffer attribute(attribute_bytes_max), sidecar;
  CHECK(encode(view, 16, attribute, sidecar).error().code == Errc::too_large);
  const std::string long_type(content_type_bytes_max, 't');
  view.content_type = long_type;
  CHECK(encode(view, 3500, attribute, sidecar).has_value());
  const std::string longer_type(content_type_bytes_max + 1, 't');
  view.content_type = longer_type;
  CHECK(encode(view, 3500, attribute, sidecar).error().code == Errc::too_large);
  const std::string huge(70000, 'v');
  const Pair pair[] = {{"k", huge}};
  Buffer out(80000);
  CHECK(PackedPairs::pack(pair, out).error().code == Errc::too_large);
}

TEST_CASE("the attribute of a usual object fits into ext4's inode") {
  MetadataView view;
  view.size = view.file_size = 4 * 1024 * 1024;
  view.mtime_ns = 1'800'000'000'123'456'789;
  view.checksum.algorithm = StoredChecksum::crc64nvme;
  for (const std::string_view type : {"binary/octet-stream", "application/octet-stream",
                                      "text/plain", "application/json", "image/jpeg"}) {
    view.content_type = type;
    const Packed packed = pack(view);
    CHECK(packed.attribute.size() <= inode_attribute_bytes);
    check_same(view, unpack(packed));
  }
  view.content_type = "video/of-its-own";
  check_same(view, unpack(pack(view)));
}

TEST_CASE("heads that no encoder writes") {
  // What is behind "MRA", the level, the time and the id: shape, checksum, content type, ...
  const auto head = [](std::string_view rest) {
    Packed packed;
    const std::string frame = "MRA\x01" + std::string(16, '\0') + std::string(rest);
    for (const char c : frame) packed.attribute.push_back(static_cast<std::byte>(c));
    const std::uint64_t digest = XXH3_64bits(frame.data(), frame.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(&digest);
    packed.attribute.insert(packed.attribute.end(), bytes, bytes + sizeof digest);
    return decode(packed.attribute);
  };
  const std::string md5(16, 'm');
  using namespace std::string_literals;
  CHECK(head("\0\0\1\5"s + md5)->size == 5);
  CHECK(head("\4\0\1\5\x86\1"s + md5)->file_size == 134);
  CHECK(head("\3\0\1\5"s + md5).error().code == Errc::unsupported);
  CHECK(head("\x20\0\1\5"s + md5).error().code == Errc::unsupported);
  CHECK(head("\0\xFF\1\5"s + md5).error().code == Errc::unsupported);
  CHECK(head("\0\0\xFF\5"s + md5).error().code == Errc::unsupported);
  CHECK(head("\0\0\1"s + std::string(11, '\xFF') + md5).error().code == Errc::corrupt);
  CHECK(head("\0\0\1\5short").error().code == Errc::corrupt);
  CHECK(head("\2\0\1\5\x41"s + std::string(65, 'e')).error().code == Errc::corrupt);
  CHECK(head("\0\0\0\5"s + md5 + "\x7Ftext").error().code == Errc::corrupt);
  CHECK(head("\x08\0\1\5\xFF\xFF\xFF\xFF\x7F"s + md5).error().code == Errc::corrupt);
}

TEST_CASE("an attribute made for another state of the file is stale") {
  MetadataView view;
  view.file_size = 5;
  view.mtime_ns = 77;
  CHECK(view.made_for(5, 77));
  CHECK_FALSE(view.made_for(6, 77));
  CHECK_FALSE(view.made_for(5, 78));
}

TEST_CASE("the texts of ETags") {
  std::array<char, etag_text_bytes_max> out;
  Etag etag;
  for (std::size_t i = 0; i < 16; ++i) etag.md5[i] = static_cast<std::uint8_t>(i * 17);
  CHECK(write_etag(etag, out) == "00112233445566778899aabbccddeeff");
  etag.kind = EtagKind::md5_of_parts;
  etag.parts = 10000;
  CHECK(write_etag(etag, out) == "00112233445566778899aabbccddeeff-10000");
  etag.kind = EtagKind::opaque;
  etag.opaque = "some-text";
  CHECK(write_etag(etag, out) == "some-text");

  std::array<char, foreign_etag_bytes> a, b;
  CHECK(make_foreign_etag(1, 2, 3, a) == make_foreign_etag(1, 2, 3, b));
  CHECK(a[16] == '-');
  CHECK(make_foreign_etag(1, 2, 3, a) != make_foreign_etag(2, 2, 3, b));
  CHECK(make_foreign_etag(1, 2, 3, a) != make_foreign_etag(1, 3, 3, b));
  CHECK(make_foreign_etag(1, 2, 3, a) != make_foreign_etag(1, 2, 4, b));
  // On disk nowhere, but the same on every node and version.
  CHECK(make_foreign_etag(1, 2, 3, a).find_first_not_of("0123456789abcdef-") ==
        std::string_view::npos);
}
