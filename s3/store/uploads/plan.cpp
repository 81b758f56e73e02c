// See plan.h.
#include "s3/store/uploads/plan.h"

#include "s3/digest/encoding.h"
#include "s3/digest/hash.h"

#include <algorithm>

namespace millrace::s3::store::uploads {

namespace {

std::optional<Md5::Digest> md5_of_etag(std::string_view etag) {
  Md5::Digest md5;
  if (!hex_decode(etag, md5)) return std::nullopt;
  return md5;
}

ChecksumValue composite(std::span<const StoredPart> parts, ChecksumAlgorithm algorithm) {
  Checksum checksum(algorithm);
  for (const StoredPart& part : parts) {
    checksum.update(std::as_bytes(part.receipt.checksum.bytes()));
  }
  return checksum.finish();
}

ChecksumValue full_object(std::span<const StoredPart> parts) {
  ChecksumValue whole = parts.front().receipt.checksum;
  for (const StoredPart& part : parts.subspan(1)) {
    const auto both = combine(whole, part.receipt.checksum, part.receipt.size);
    CHECK(both);  // create_upload() refuses algorithms that cannot
    whole = *both;
  }
  return whole;
}

}  // namespace

UploadResult<> check_parts(std::span<const ListedPart> listed, std::span<const StoredPart> parts,
                           PartChecksums checksums) {
  CHECK(listed.size() == parts.size() && !listed.empty());
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const Receipt& stored = parts[i].receipt;
    const bool etag_same = md5_of_etag(listed[i].etag) == stored.md5;
    if (!etag_same || (listed[i].checksum && *listed[i].checksum != stored.checksum)) {
      return fail_with(UploadFailure::invalid_part, listed[i].number);
    }
    if (!listed[i].checksum && checksums == PartChecksums::required) {
      return fail_with(UploadFailure::checksum_missing, listed[i].number);
    }
  }
  for (std::size_t i = 0; i + 1 < listed.size(); ++i) {
    if (parts[i].receipt.size < upload_part_bytes_min) {
      auto failed = fail_with(UploadFailure::entity_too_small, listed[i].number);
      failed.error().part_bytes = parts[i].receipt.size;
      return failed;
    }
  }
  return {};
}

Summary summarize(std::span<const StoredPart> parts, ChecksumAlgorithm algorithm,
                  StoredChecksumType type) {
  Summary summary;
  summary.etag.kind = EtagKind::md5_of_parts;
  summary.etag.parts = static_cast<std::uint32_t>(parts.size());
  Md5 md5;
  for (const StoredPart& part : parts) {
    summary.size += part.receipt.size;
    md5.update(std::as_bytes(std::span(part.receipt.md5)));
  }
  summary.etag.md5 = md5.finish();
  if (algorithm == ChecksumAlgorithm::none) return summary;
  const auto value =
      type == StoredChecksumType::composite ? composite(parts, algorithm) : full_object(parts);
  summary.checksum.algorithm = static_cast<StoredChecksum>(algorithm);
  summary.checksum.type = type;
  std::ranges::copy(value.bytes(), summary.checksum.value.begin());
  return summary;
}

std::optional<Md5::Digest> etag_of_list(std::span<const ListedPart> listed) {
  Md5 md5;
  for (const ListedPart& part : listed) {
    const auto each = md5_of_etag(part.etag);
    if (!each) return std::nullopt;
    md5.update(std::as_bytes(std::span(*each)));
  }
  return md5.finish();
}

Decision decide(std::span<const StoredPart> parts, std::span<const Claim> claims) {
  const std::size_t count = parts.size();
  const std::uint64_t slot_bytes = parts.front().receipt.slot_bytes;
  if (slot_bytes == 0) return {};
  std::size_t claimed = 0;
  for (const Claim& claim : claims) {
    if (claim.slot_bytes != slot_bytes) continue;
    if (claim.part == 0 || claim.part > count) return {};
    ++claimed;
  }
  // Claims are distinct, so as many as there are listed parts means one for each.
  for (std::size_t i = 0; i < count; ++i) {
    const Receipt& part = parts[i].receipt;
    const bool last = i + 1 == count;
    if (part.part != i + 1 || part.size > slot_bytes) return {};
    if (!last && (part.slot_bytes != slot_bytes || part.size != slot_bytes)) return {};
    if (last && part.slot_bytes != slot_bytes) {
      const bool free = claimed + 1 == count && std::ranges::none_of(claims, [&](const Claim& c) {
                          return c.slot_bytes == slot_bytes && c.part == count;
                        });
      return free ? Decision{Way::relocate_last, slot_bytes} : Decision{};
    }
  }
  return claimed == count ? Decision{Way::publish, slot_bytes} : Decision{};
}

engine::Result<> Tables::fill(std::span<const StoredPart> parts, ChecksumAlgorithm algorithm,
                              MetadataView& object) {
  std::vector<Part> table;
  table.reserve(parts.size());
  digests.clear();
  for (const StoredPart& part : parts) {
    const Receipt& each = part.receipt;
    table.push_back({each.part, each.size, each.checksum.bytes()});
    digests.insert(digests.end(), each.blocks.begin(), each.blocks.end());
  }
  const auto stored = static_cast<StoredChecksum>(algorithm);
  bytes.resize(PackedParts::packed_bytes(table.size(), stored));
  const auto packed = PackedParts::pack(table, stored, bytes);
  if (!packed) return std::unexpected(packed.error());
  object.parts = *packed;
  object.blocks = PackedDigests::of(digests);
  return {};
}

}  // namespace millrace::s3::store::uploads
