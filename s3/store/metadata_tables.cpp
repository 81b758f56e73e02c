// The packed tables of an object's metadata: pairs, parts, block digests. Each is
// checked once, by over(), and read in place from then on.
#include <algorithm>
#include <cstring>

#include "engine/check.h"
#include "s3/store/metadata.h"
#include "s3/store/metadata_format.h"

namespace millrace::s3::store {
namespace {

using engine::Errc;
using format::load;

// A pair: length of name, length of value (2 bytes each), name, value.
constexpr std::size_t pair_head_bytes = 4;
// The part table: algorithm, value length, two zero bytes, count (4 bytes), then
// per part number (4), size (8), value.
constexpr std::size_t parts_head_bytes = 8;
constexpr std::size_t part_fixed_bytes = 12;

std::size_t pair_bytes(const std::byte* at) {
  return pair_head_bytes + load<std::uint16_t>(at) + load<std::uint16_t>(at + 2);
}

std::string_view text_at(const std::byte* at, std::size_t count) {
  return {reinterpret_cast<const char*>(at), count};
}

}  // namespace

Pair PackedPairs::Iterator::operator*() const {
  const std::size_t name = load<std::uint16_t>(at_);
  const std::size_t value = load<std::uint16_t>(at_ + 2);
  return {text_at(at_ + pair_head_bytes, name), text_at(at_ + pair_head_bytes + name, value)};
}

PackedPairs::Iterator& PackedPairs::Iterator::operator++() {
  at_ += pair_bytes(at_);
  return *this;
}

std::optional<PackedPairs> PackedPairs::over(std::span<const std::byte> payload) {
  for (auto rest = payload; !rest.empty();) {
    if (rest.size() < pair_head_bytes || rest.size() < pair_bytes(rest.data())) return std::nullopt;
    rest = rest.subspan(pair_bytes(rest.data()));
  }
  PackedPairs pairs;
  pairs.payload_ = payload;
  return pairs;
}

std::size_t PackedPairs::packed_bytes(std::span<const Pair> pairs) {
  std::size_t total = 0;
  for (const Pair& pair : pairs) total += pair_head_bytes + pair.name.size() + pair.value.size();
  return total;
}

engine::Result<PackedPairs> PackedPairs::pack(std::span<const Pair> pairs,
                                              std::span<std::byte> out) {
  if (packed_bytes(pairs) > out.size()) return engine::fail(Errc::too_large);
  std::size_t used = 0;
  const auto put = [&](const void* from, std::size_t count) {
    if (count != 0) std::memcpy(out.data() + used, from, count);
    used += count;
  };
  for (const Pair& pair : pairs) {
    if (std::max(pair.name.size(), pair.value.size()) > UINT16_MAX) {
      return engine::fail(Errc::too_large);
    }
    const auto name_bytes = static_cast<std::uint16_t>(pair.name.size());
    const auto value_bytes = static_cast<std::uint16_t>(pair.value.size());
    put(&name_bytes, sizeof name_bytes);
    put(&value_bytes, sizeof value_bytes);
    put(pair.name.data(), name_bytes);
    put(pair.value.data(), value_bytes);
  }
  PackedPairs packed;
  packed.payload_ = out.first(used);
  return packed;
}

std::optional<PackedParts> PackedParts::over(std::span<const std::byte> payload) {
  if (payload.size() < parts_head_bytes) return std::nullopt;
  const auto algorithm = load<StoredChecksum>(payload.data());
  const auto value_bytes = static_cast<std::size_t>(payload[1]);
  const std::uint64_t count = load<std::uint32_t>(payload.data() + 4);
  if (algorithm > stored_checksum_last || value_bytes != checksum_value_bytes(algorithm) ||
      payload.size() - parts_head_bytes != count * (part_fixed_bytes + value_bytes)) {
    return std::nullopt;
  }
  PackedParts parts;
  parts.payload_ = payload;
  return parts;
}

std::size_t PackedParts::packed_bytes(std::size_t count, StoredChecksum algorithm) {
  return parts_head_bytes + count * (part_fixed_bytes + checksum_value_bytes(algorithm));
}

engine::Result<PackedParts> PackedParts::pack(std::span<const Part> parts, StoredChecksum algorithm,
                                              std::span<std::byte> out) {
  const std::size_t value_bytes = checksum_value_bytes(algorithm);
  const std::size_t total = packed_bytes(parts.size(), algorithm);
  if (total > out.size() || parts.size() > UINT32_MAX) return engine::fail(Errc::too_large);
  const std::uint8_t head[4] = {static_cast<std::uint8_t>(algorithm),
                                static_cast<std::uint8_t>(value_bytes), 0, 0};
  const auto count = static_cast<std::uint32_t>(parts.size());
  std::memcpy(out.data(), head, sizeof head);
  std::memcpy(out.data() + 4, &count, sizeof count);
  std::byte* at = out.data() + parts_head_bytes;
  for (const Part& part : parts) {
    if (part.checksum.size() != value_bytes) return engine::fail(Errc::malformed);
    std::memcpy(at, &part.number, 4);
    std::memcpy(at + 4, &part.size, 8);
    if (value_bytes != 0) std::memcpy(at + part_fixed_bytes, part.checksum.data(), value_bytes);
    at += part_fixed_bytes + value_bytes;
  }
  PackedParts packed;
  packed.payload_ = out.first(total);
  return packed;
}

std::size_t PackedParts::size() const {
  return payload_.empty() ? 0 : load<std::uint32_t>(payload_.data() + 4);
}

StoredChecksum PackedParts::algorithm() const {
  return payload_.empty() ? StoredChecksum::none : load<StoredChecksum>(payload_.data());
}

Part PackedParts::at(std::size_t index) const {
  CHECK(index < size());
  const auto value_bytes = static_cast<std::size_t>(payload_[1]);
  const std::byte* at =
      payload_.data() + parts_head_bytes + index * (part_fixed_bytes + value_bytes);
  return {load<std::uint32_t>(at),
          load<std::uint64_t>(at + 4),
          {reinterpret_cast<const std::uint8_t*>(at + part_fixed_bytes), value_bytes}};
}

std::optional<PackedDigests> PackedDigests::over(std::span<const std::byte> payload) {
  if (payload.size() % 8 != 0) return std::nullopt;
  PackedDigests digests;
  digests.payload_ = payload;
  return digests;
}

PackedDigests PackedDigests::of(std::span<const std::uint64_t> digests) {
  PackedDigests packed;
  packed.payload_ = std::as_bytes(digests);
  return packed;
}

std::uint64_t PackedDigests::at(std::size_t index) const {
  CHECK(index < size());
  return load<std::uint64_t>(payload_.data() + index * 8);
}

}  // namespace millrace::s3::store
