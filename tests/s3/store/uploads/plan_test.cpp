// The decisions of Complete without a filesystem: when the assembly file is the object, ETag and
// checksums from the parts', and which lists are refused.
#include "s3/store/uploads/plan.h"

#include "s3/digest/encoding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace millrace::s3::store::uploads {
namespace {

constexpr std::uint64_t slot = upload_part_bytes_min;

// Each part as number, size, and the slot size of the assembly it is in (0: its own file).
struct Row {
  std::uint32_t number;
  std::uint64_t size;
  std::uint64_t slot_bytes = slot;
};

std::vector<StoredPart> stored(std::initializer_list<Row> rows) {
  std::vector<StoredPart> parts;
  for (const Row& row : rows) {
    parts.push_back({{.part = row.number, .size = row.size, .slot_bytes = row.slot_bytes}, 1});
  }
  return parts;
}

Decision decide_for(std::initializer_list<Row> rows, std::initializer_list<Claim> claims) {
  return decide(stored(rows), std::vector<Claim>(claims));
}

constexpr Decision copy{Way::copy, 0};
constexpr Decision publish{Way::publish, slot};
constexpr Decision relocate{Way::relocate_last, slot};

ChecksumValue checksum_of(ChecksumAlgorithm algorithm, std::string_view text) {
  Checksum checksum(algorithm);
  checksum.update(bytes_of(text));
  return checksum.finish();
}

}  // namespace

TEST_CASE("an assembly is published only when it is exactly the listed parts, back to back") {
  const Claim one{slot, 1};
  const Claim two{slot, 2};
  const Claim three{slot, 3};
  CHECK(decide_for({{1, slot}, {2, 7}}, {one, two}) == publish);
  CHECK(decide_for({{1, slot}}, {one}) == publish);
  CHECK(decide_for({{1, 5}}, {{slot, 1}}) == publish);
  CHECK(decide_for({{1, slot}, {2, slot}}, {two, one, {slot + 1, 1}}) == publish);

  CHECK(decide_for({{1, slot}, {2, 7}}, {one, two, three}) == copy);
  CHECK(decide_for({{1, slot}, {2, 7}}, {one}) == copy);
  CHECK(decide_for({{1, slot}, {2, 7}}, {}) == copy);
  CHECK(decide_for({{1, slot}, {3, 7}}, {one, three}) == copy);
  CHECK(decide_for({{2, slot}, {3, 7}}, {two, three}) == copy);
  CHECK(decide_for({{1, slot - 1}, {2, 7}}, {one, two}) == copy);
  CHECK(decide_for({{1, slot, 0}, {2, 7}}, {one, two}) == copy);
  CHECK(decide_for({{1, slot}, {2, slot, slot + 1}, {3, 1}}, {one, {slot + 1, 2}, three}) == copy);
  CHECK(decide_for({{1, slot}, {2, slot + 1}}, {one, two}) == copy);
}

TEST_CASE("only a last part whose slot nobody has claimed moves") {
  const Claim one{slot, 1};
  const Claim two{slot, 2};
  CHECK(decide_for({{1, slot}, {2, 7, 0}}, {one}) == relocate);
  CHECK(decide_for({{1, slot}, {2, 7, 7}}, {one, {7, 2}}) == relocate);
  CHECK(decide_for({{1, slot}, {2, slot, 0}}, {one}) == relocate);

  CHECK(decide_for({{1, slot}, {2, 7, 0}}, {one, two}) == copy);
  CHECK(decide_for({{1, slot}, {2, 7, 0}}, {two}) == copy);
  CHECK(decide_for({{1, slot}, {2, 7, 0}}, {one, {slot, 3}}) == copy);
  CHECK(decide_for({{1, slot}, {2, slot + 1, 0}}, {one}) == copy);
  CHECK(decide_for({{1, slot, 0}}, {}) == copy);
  CHECK(decide_for({{1, slot, 0}, {2, 7}}, {two}) == copy);
}

TEST_CASE("checksums of the whole come from the parts', never from the data") {
  const std::string_view texts[] = {"the first part", "", "and the last"};
  std::string whole;
  for (const auto text : texts) whole += text;
  for (const auto algorithm :
       {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme}) {
    std::vector<StoredPart> parts;
    for (const auto text : texts) {
      parts.push_back({{.size = text.size(), .checksum = checksum_of(algorithm, text)}, 1});
    }
    const Summary summary = summarize(parts, algorithm, StoredChecksumType::full_object);
    const auto expected = checksum_of(algorithm, whole);
    CHECK(summary.size == whole.size());
    CHECK(std::ranges::equal(expected.bytes(),
                             std::span(summary.checksum.value).first(expected.bytes().size())));
  }
  for (std::size_t i = 1; i <= checksum_algorithms; ++i) {
    const auto algorithm = static_cast<ChecksumAlgorithm>(i);
    if (!checksum_type_possible(algorithm, true)) continue;
    std::vector<StoredPart> parts;
    std::string values;
    for (const auto text : texts) {
      const auto value = checksum_of(algorithm, text);
      values.append(reinterpret_cast<const char*>(value.raw.data()), value.bytes().size());
      parts.push_back({{.size = text.size(), .checksum = value}, 1});
    }
    const Summary summary = summarize(parts, algorithm, StoredChecksumType::composite);
    const auto expected = checksum_of(algorithm, values);
    CHECK(summary.checksum.type == StoredChecksumType::composite);
    CHECK(std::ranges::equal(expected.bytes(),
                             std::span(summary.checksum.value).first(expected.bytes().size())));
  }
}

TEST_CASE("the ETag is the MD5 of the MD5s, from receipts and from the list alike") {
  StoredPart part;
  CHECK(hex_decode("900150983cd24fb0d6963f7d28e17f72", part.receipt.md5));  // of "abc"
  const std::vector parts{part, part};
  const ListedPart listed[] = {{1, "900150983cd24fb0d6963f7d28e17f72", {}},
                               {2, "900150983CD24FB0D6963F7D28E17F72", {}}};
  const Summary summary =
      summarize(parts, ChecksumAlgorithm::none, StoredChecksumType::full_object);
  CHECK(summary.etag.parts == 2);
  CHECK(etag_of_list(listed) == summary.etag.md5);
  Md5 md5;
  md5.update(std::as_bytes(std::span(part.receipt.md5)));
  md5.update(std::as_bytes(std::span(part.receipt.md5)));
  CHECK(summary.etag.md5 == md5.finish());
  const ListedPart odd[] = {{1, "not an MD5", {}}};
  CHECK_FALSE(etag_of_list(odd));
}

TEST_CASE("a part's checksum is compared where the list has one") {
  StoredPart part{{.part = 1, .size = 3, .checksum = checksum_of(ChecksumAlgorithm::crc32, "abc")},
                  1};
  const auto etag = hex_of(part.receipt.md5);
  ListedPart listed{1, {etag.data(), etag.size()}, part.receipt.checksum};
  const auto check = [&](PartChecksums checksums) {
    const auto checked = check_parts({&listed, 1}, {&part, 1}, checksums);
    return checked ? std::nullopt : std::optional(checked.error().failure);
  };
  CHECK_FALSE(check(PartChecksums::required));
  listed.checksum = checksum_of(ChecksumAlgorithm::crc32, "abd");
  CHECK(check(PartChecksums::optional) == UploadFailure::invalid_part);
  listed.checksum.reset();
  CHECK_FALSE(check(PartChecksums::optional));
  CHECK(check(PartChecksums::required) == UploadFailure::checksum_missing);
}

}  // namespace millrace::s3::store::uploads
