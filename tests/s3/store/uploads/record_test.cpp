// The records of uploads: round trips, and no damage that goes unnoticed; names and ids.
#include "s3/store/uploads/layout.h"

#include <doctest/doctest.h>

namespace millrace::s3::store::uploads {
namespace {

UploadRecord sample_upload() {
  UploadRecord record;
  record.created_ms = 1'700'000'000'123;
  record.object_id.fill(7);
  record.key = "some/key";
  record.initiator = "arn:someone";
  record.owner = "owner";
  record.object.content_type = "text/plain";
  record.object.field(Field::storage_class) = "STANDARD";
  record.object.checksum.algorithm = StoredChecksum::crc32c;
  record.object.checksum.type = StoredChecksumType::composite;
  return record;
}

Receipt sample_receipt() {
  Receipt receipt{.part = 9'999,
                  .size = 5'000'000,
                  .acknowledged_ms = 1'700'000'000'124,
                  .blocks = {1, ~0ULL},
                  .slot_bytes = 6'000'000};
  receipt.md5.fill(3);
  receipt.own_id.fill(4);
  receipt.checksum.algorithm = ChecksumAlgorithm::sha1;
  receipt.checksum.raw[19] = 5;
  return receipt;
}

// Every byte changed in turn, and every length that is too short.
template <class Decode>
void check_damage(const std::vector<std::byte>& good, Decode decode) {
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{0x40};
    CAPTURE(i);
    CHECK_FALSE(decode(bad));
    CHECK_FALSE(decode(std::vector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i))));
  }
}

}  // namespace

TEST_CASE("an upload's record survives its encoding, and no damage to it does") {
  UploadRecord record = sample_upload();
  REQUIRE(encode_upload(record));
  const auto again = decode_upload(record.bytes);
  REQUIRE(again);
  CHECK(again->created_ms == record.created_ms);
  CHECK(again->object_id == record.object_id);
  CHECK(again->key == "some/key");
  CHECK(again->initiator == "arn:someone");
  CHECK(again->owner == "owner");
  CHECK(again->object.content_type == "text/plain");
  CHECK(again->object.field(Field::storage_class) == "STANDARD");
  CHECK(again->algorithm() == ChecksumAlgorithm::crc32c);
  CHECK(again->object.checksum.type == StoredChecksumType::composite);
  CHECK_FALSE(again->checksum_by_default);
  check_damage(record.bytes, [](const auto& bytes) { return decode_upload(bytes).has_value(); });
  record.checksum_by_default = true;
  REQUIRE(encode_upload(record));
  CHECK(decode_upload(record.bytes)->checksum_by_default);
}

TEST_CASE("a receipt survives its encoding, and no damage to it does") {
  const Receipt receipt = sample_receipt();
  const auto bytes = encode_receipt(receipt);
  const auto again = decode_receipt(bytes);
  REQUIRE(again);
  CHECK(again->part == receipt.part);
  CHECK(again->size == receipt.size);
  CHECK(again->acknowledged_ms == receipt.acknowledged_ms);
  CHECK(again->md5 == receipt.md5);
  CHECK(again->checksum == receipt.checksum);
  CHECK(again->blocks == receipt.blocks);
  CHECK(again->slot_bytes == receipt.slot_bytes);
  CHECK(again->own_id == receipt.own_id);
  check_damage(bytes, [](const auto& bad) { return decode_receipt(bad).has_value(); });
  Receipt largest = receipt;
  largest.blocks.assign(upload_part_bytes_max / block_bytes, 1);
  CHECK(encode_receipt(largest).size() <= receipt_bytes_max);
}

TEST_CASE("the memory of a completed upload survives its encoding, and no damage to it does") {
  CompletedRecord record{.key = "k", .size = 12, .parts = 3};
  record.md5.fill(1);
  record.checksum.algorithm = StoredChecksum::crc64nvme;
  record.checksum.value[7] = 9;
  const auto bytes = encode_completed(record);
  const auto again = decode_completed(bytes);
  REQUIRE(again);
  CHECK(again->key == record.key);
  CHECK(again->size == record.size);
  CHECK(again->parts == record.parts);
  CHECK(again->md5 == record.md5);
  CHECK(again->checksum.algorithm == record.checksum.algorithm);
  CHECK(again->checksum.value == record.checksum.value);
  check_damage(bytes, [](const auto& bad) { return decode_completed(bad).has_value(); });
}

TEST_CASE("an id is 44 lower-case hexadecimal digits and nothing else") {
  const UploadId id = UploadId::make(0x123456789abc);
  CHECK(id.view().starts_with("123456789abc"));
  REQUIRE(UploadId::parse(id.view()));
  CHECK(UploadId::parse(id.view())->view() == id.view());
  CHECK(UploadId::make(1).view() != UploadId::make(1).view());
  CHECK(UploadId::make(255).view() < UploadId::make(256).view());
  std::string text(id.view());
  for (const std::string& bad :
       {std::string(), text + "0", text.substr(1), "../" + text.substr(3), "x-" + text,
        "." + text.substr(1), text.substr(0, 43) + "/", text.substr(0, 43) + "A",
        text.substr(0, 43) + std::string(1, '\0')}) {
    CAPTURE(bad);
    CHECK_FALSE(UploadId::parse(bad));
  }
}

TEST_CASE("entries are told by their names, and the highest receipt of each part stays") {
  Contents contents;
  for (const char* name :
       {"receipt.2.1", "assembly.9", "receipt.2.10", "receipt.2.9", "claim.5242880.10000",
        "receipt.1.1", "assembly.7", "upload", "open", "part.1.00", "receipt.x.1", "receipt.3",
        "claim.1", "assembly.", "assembly.1x", "t-receipt.1.1"}) {
    add_entry(contents, name);
  }
  sort_contents(contents);
  CHECK(contents.assemblies == std::vector<std::uint64_t>{7, 9});
  REQUIRE(contents.claims.size() == 1);
  CHECK(contents.claims[0].slot_bytes == 5242880);
  CHECK(contents.claims[0].part == 10000);
  REQUIRE(contents.receipts.size() == 2);
  CHECK(contents.receipts[0].part == 1);
  CHECK(contents.receipts[1].part == 2);
  CHECK(contents.receipts[1].sequence == 10);
}

}  // namespace millrace::s3::store::uploads
