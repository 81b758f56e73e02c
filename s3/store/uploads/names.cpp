// See layout.h: names in an upload's directory, and upload ids.
#include "s3/store/uploads/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::s3::store {

namespace {

constexpr std::size_t time_digits = 12;

constexpr bool lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

std::optional<UploadId> UploadId::parse(std::string_view text) {
  if (text.size() != size || !std::ranges::all_of(text, lower_hex)) return std::nullopt;
  UploadId id;
  std::ranges::copy(text, id.text_.begin());
  return id;
}

UploadId UploadId::make(std::uint64_t created_ms) {
  UploadId id;
  const UniqueName random = unique_name("", random_id());
  fmt::format_to_n(id.text_.begin(), time_digits, "{:012x}", created_ms);
  std::copy_n(random.text.begin(), size - time_digits, id.text_.begin() + time_digits);
  return id;
}

std::uint64_t UploadId::created_ms() const {
  std::uint64_t created = 0;
  std::from_chars(text_.data(), text_.data() + time_digits, created, 16);
  return created;
}

namespace uploads {

namespace {

template <class... Values>
EntryName name_of(fmt::format_string<Values...> form, Values&&... values) {
  EntryName name;
  fmt::format_to_n(name.text.begin(), name.text.size() - 1, form, std::forward<Values>(values)...);
  return name;
}

// A decimal number up to `end` or the text's end, taken off it; leading zeros are no matter.
template <class Number>
bool take_number(std::string_view& text, char end, Number& out) {
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  if (end == '\0') return text.empty();
  if (!text.starts_with(end)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

EntryName assembly_name(std::uint64_t slot_bytes) {
  return name_of("assembly.{}", slot_bytes);
}

EntryName claim_name(std::uint64_t slot_bytes, std::uint32_t part) {
  return name_of("claim.{}.{}", slot_bytes, part);
}

EntryName receipt_name(std::uint32_t part, std::uint32_t sequence) {
  return name_of("receipt.{}.{}", part, sequence);
}

EntryName part_name(std::uint32_t part, const std::array<std::uint8_t, 16>& id) {
  const UniqueName unique = unique_name("", id);
  return name_of("part.{}.{}", part, unique.c_str());
}

EntryName copy_name(const CopyMark& mark) {
  return name_of("copy.{}.{}", mark.inode, mark.mtime_ns);
}

EntryName dying_name(std::string_view id) {
  return name_of("x-{}", id);
}
EntryName completed_name(std::string_view id) {
  return name_of("c-{}", id);
}

void add_entry(Contents& contents, std::string_view name) {
  if (take_prefix(name, "assembly.")) {
    std::uint64_t slot_bytes = 0;
    if (take_number(name, '\0', slot_bytes)) contents.assemblies.push_back(slot_bytes);
  } else if (take_prefix(name, "claim.")) {
    Claim claim;
    if (take_number(name, '.', claim.slot_bytes) && take_number(name, '\0', claim.part)) {
      contents.claims.push_back(claim);
    }
  } else if (take_prefix(name, "receipt.")) {
    NewestReceipt receipt;
    if (take_number(name, '.', receipt.part) && take_number(name, '\0', receipt.sequence)) {
      contents.receipts.push_back(receipt);
    }
  } else if (take_prefix(name, "copy.")) {
    CopyMark mark;
    if (take_number(name, '.', mark.inode) && take_number(name, '\0', mark.mtime_ns)) {
      contents.copies.push_back(mark);
    }
  }
}

void sort_contents(Contents& contents) {
  std::ranges::sort(contents.assemblies);
  // The newest first, so that it is the one that stays.
  std::ranges::sort(contents.receipts, [](const NewestReceipt& a, const NewestReceipt& b) {
    return a.part != b.part ? a.part < b.part : a.sequence > b.sequence;
  });
  const auto older = std::ranges::unique(contents.receipts, {}, &NewestReceipt::part);
  contents.receipts.erase(older.begin(), older.end());
}

}  // namespace uploads
}  // namespace millrace::s3::store
