// See the header. Comparing two names costs two cache misses, so sorting compares eight bytes
// behind what all names begin with first.
#include "s3/store/listing/directory_index.h"

#include "engine/check.h"
#include "s3/store/names.h"

#include <algorithm>
#include <cstring>

namespace millrace::s3::store {

namespace {

using namespace std::string_view_literals;

// A chunk that is cut from a longer component is never shorter: names.h.
constexpr std::size_t chain_chunk_bytes_min = chunk_bytes_max - 3;

// Of `text`, with a slash behind it if `slash`, and any other text.
int compare_text(std::string_view text, bool slash, std::string_view other) {
  const std::size_t common = std::min(text.size(), other.size());
  if (const int order = std::memcmp(text.data(), other.data(), common); order != 0) return order;
  if (text.size() > other.size()) return 1;
  if (text.size() == other.size()) return slash ? 1 : 0;
  if (!slash) return -1;
  const auto next = static_cast<unsigned char>(other[text.size()]);
  if (next != '/') return '/' < next ? -1 : 1;
  return text.size() + 1 == other.size() ? 0 : -1;
}

// Up to eight bytes of `text` (and its slash) from `begin` on, as a number that sorts as they do.
// Names hold no NUL, so a name sorts before all that it is the beginning of.
std::uint64_t head_of(std::string_view text, bool slash, std::size_t begin) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t at = begin + i;
    unsigned char byte = 0;
    if (at < text.size()) {
      byte = static_cast<unsigned char>(text[at]);
    } else if (at == text.size() && slash) {
      byte = '/';
    }
    head = head << 8 | byte;
  }
  return head;
}

}  // namespace

std::optional<EntryKind> entry_kind(std::string_view name, bool is_directory, bool in_chain) {
  const auto component = is_directory ? EntryKind::directory : EntryKind::object;
  const ClassifiedName classified = classify_name(name);
  switch (classified.kind) {
    case NameKind::ordinary:
    case NameKind::empty:
    case NameKind::dot:
    case NameKind::dotdot:
    case NameKind::escaped: return in_chain ? std::nullopt : std::optional(component);
    case NameKind::chain_end: return in_chain ? std::optional(component) : std::nullopt;
    case NameKind::chain_part:
      if (!is_directory || classified.text.size() < chain_chunk_bytes_min) return std::nullopt;
      return EntryKind::chain;
    case NameKind::file_of_directory:
    case NameKind::system:
    case NameKind::foreign: break;
  }
  return std::nullopt;
}

std::string_view entry_text(std::string_view name, bool in_chain) {
  if (!name.starts_with(".mr."sv)) return name;
  if (name.size() == 5) {
    if (name[4] == '0') return ""sv;
    return name[4] == '1' ? "."sv : ".."sv;
  }
  const bool chain = name[4] != 'e';
  name.remove_prefix(6);  // .mr.e. or .mr.l. or .mr.z.
  if (chain && !in_chain && name.starts_with(".mr.e."sv)) name.remove_prefix(6);
  return name;
}

std::string_view DirectoryIndex::name(Record record) const {
  const char* at = header(record);
  return {at + header_bytes, static_cast<unsigned char>(*at)};
}

EntryKind DirectoryIndex::kind(Record record) const {
  const auto stored = static_cast<EntryKind>(header(record)[1]);
  if (stored != EntryKind::directory) return stored;
  return (record & slash_bit) != 0 ? EntryKind::directory : EntryKind::directory_object;
}

DirectoryIndex::Record DirectoryIndex::append(std::string_view name, EntryKind kind) {
  const std::size_t needed = header_bytes + name.size();
  if (chunks_.empty() || chunks_.back().used + needed > chunk_bytes) {
    const std::size_t room = chunks_.empty() ? first_chunk_bytes : chunk_bytes;
    chunks_.push_back(
        {std::make_unique_for_overwrite<char[]>(room), 0, static_cast<std::uint32_t>(room)});
    chunks_bytes_ += room;
  }
  Chunk& chunk = chunks_.back();
  if (chunk.used + needed > chunk.room) {  // only the first starts small
    const std::size_t room = std::min(chunk.room * std::size_t{8}, chunk_bytes);
    auto bytes = std::make_unique_for_overwrite<char[]>(room);
    std::memcpy(bytes.get(), chunk.bytes.get(), chunk.used);
    chunks_bytes_ += room - chunk.room;
    chunk.bytes = std::move(bytes);
    chunk.room = static_cast<std::uint32_t>(room);
  }
  CHECK(chunks_.size() <= slash_bit / chunk_bytes);
  const std::size_t offset = (chunks_.size() - 1) * chunk_bytes + chunk.used;
  char* at = chunk.bytes.get() + chunk.used;
  at[0] = static_cast<char>(name.size());
  at[1] = static_cast<char>(kind);
  std::memcpy(at + header_bytes, name.data(), name.size());
  chunk.used += static_cast<std::uint32_t>(needed);
  ++names_;
  if (kind == EntryKind::chain) has_chains_ = true;
  return static_cast<Record>(offset);
}

void DirectoryIndex::add(std::string_view name, EntryKind kind) {
  const std::string_view text = entry_text(name, in_chain_);
  if (!holds(text, false, kind) && !(kind == EntryKind::directory && holds(text, true, kind))) {
    return;
  }
  append(name, kind);
}

std::vector<DirectoryIndex::SortItem> DirectoryIndex::sorted_items() const {
  std::vector<SortItem> items;
  items.reserve(names_ + names_ / 16);
  std::string_view first;
  std::size_t common = SIZE_MAX;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    std::uint32_t at = 0;
    while (at < chunks_[i].used) {
      const auto record = static_cast<Record>(i * chunk_bytes + at);
      const std::string_view entry = text(record);
      if (items.empty()) first = entry;
      common = std::min({common, entry.size(), first.size()});
      while (std::memcmp(entry.data(), first.data(), common) != 0) --common;
      items.push_back({0, record});
      if (static_cast<EntryKind>(header(record)[1]) == EntryKind::directory) {
        items.push_back({0, record | slash_bit});
      }
      at += static_cast<std::uint32_t>(header_bytes + name(record).size());
    }
  }
  for (SortItem& item : items) {
    item.head = head_of(text(item.record), (item.record & slash_bit) != 0, common);
  }
  std::ranges::sort(items, [this](const SortItem& a, const SortItem& b) {
    return a.head != b.head ? a.head < b.head : before(a.record, b.record);
  });
  return items;
}

void DirectoryIndex::set_records(const std::vector<SortItem>& items, std::size_t count) {
  blocks_.clear();
  for (std::size_t begin = 0; begin < count; begin += block_records_filled) {
    const std::size_t end = std::min(count, begin + block_records_filled);
    auto& block = blocks_.emplace_back();
    block.reserve(count > block_records_filled ? block_records_max : end - begin);
    for (std::size_t i = begin; i < end; ++i) block.push_back(items[i].record);
  }
}

void DirectoryIndex::sort() {
  const auto items = sorted_items();
  std::size_t count = items.size();
  // NAME belongs to this part, NAME/ perhaps to the next.
  while (!until_.empty() && count > 0 && compare(items[count - 1].record, until_) >= 0) --count;
  set_records(items, count);
}

bool DirectoryIndex::holds(std::string_view text, bool slash, EntryKind kind) const {
  if (!until_.empty() && compare_text(text, slash, until_) >= 0) return false;
  // A chain's text begins texts that sort behind it.
  if (kind == EntryKind::chain && from_.starts_with(text)) return true;
  return from_.empty() || compare_text(text, slash, from_) >= 0;
}

void DirectoryIndex::sort_and_halve() {
  const auto items = sorted_items();
  if (items.size() < 2) return;
  DirectoryIndex lower(in_chain_);
  lower.from_ = from_;
  // Texts are cut apart, never a directory from the object of its name: NAME may not be the end
  // when NAME/ is to follow.
  lower.until_ = text(items[items.size() / 2].record);
  for (const SortItem& item : items) {
    if ((item.record & slash_bit) != 0) continue;
    lower.add(name(item.record), static_cast<EntryKind>(header(item.record)[1]));
  }
  *this = std::move(lower);
}

int DirectoryIndex::compare(Record record, std::string_view other) const {
  return compare_text(text(record), (record & slash_bit) != 0, other);
}

bool DirectoryIndex::before(Record a, Record b) const {
  const std::string_view other = text(b);
  const bool a_slash = (a & slash_bit) != 0;
  const bool b_slash = (b & slash_bit) != 0;
  const std::string_view own = text(a);
  if (own.size() == other.size()) {
    const int order = std::memcmp(own.data(), other.data(), own.size());
    return order != 0 ? order < 0 : !a_slash && b_slash;
  }
  // The longer one is the other text; components hold no slash, so a slash behind it is no matter.
  if (own.size() < other.size()) return compare_text(own, a_slash, other) < 0;
  return compare_text(other, b_slash, own) > 0;
}

DirectoryIndex::Position DirectoryIndex::seek(std::string_view wanted) const {
  const auto behind = [&](Record record) { return compare(record, wanted) < 0; };
  // The last block whose first entry sorts before; the place is in it or at the next one's start.
  const auto block = std::ranges::partition_point(
      blocks_, [&](const std::vector<Record>& candidate) { return behind(candidate.front()); });
  if (block == blocks_.begin()) return {0, 0};
  const auto& records = *(block - 1);
  const auto slot = std::ranges::partition_point(records, behind);
  Position at{static_cast<std::uint32_t>(block - 1 - blocks_.begin()),
              static_cast<std::uint32_t>(slot - records.begin())};
  if (slot == records.end()) at = {at.block + 1, 0};
  return at;
}

DirectoryIndex::Position DirectoryIndex::after(Position at) const {
  if (at.slot + 1 < blocks_[at.block].size()) return {at.block, at.slot + 1};
  return {at.block + 1, 0};
}

DirectoryIndex::Entry DirectoryIndex::entry(Position at) const {
  const Record record = blocks_[at.block][at.slot];
  return {name(record), text(record), kind(record)};
}

std::optional<DirectoryIndex::Position> DirectoryIndex::find(std::string_view wanted,
                                                             EntryKind wanted_kind) const {
  const std::string_view wanted_text = entry_text(wanted, in_chain_);
  for (Position at = seek(wanted_text); !at_end(at); at = after(at)) {
    const Entry found = entry(at);
    if (found.text != wanted_text) break;
    if (found.kind == wanted_kind && found.name == wanted) return at;
  }
  return std::nullopt;
}

// Not beside the NAME that it belongs to: `NAME+` sorts between NAME and NAME/.
std::optional<DirectoryIndex::Position> DirectoryIndex::find_directory(
    std::string_view wanted) const {
  std::string with_slash(entry_text(wanted, in_chain_));
  with_slash += '/';
  const Position at = seek(with_slash);
  if (at_end(at)) return std::nullopt;
  const Entry found = entry(at);
  if (found.kind != EntryKind::directory || found.name != wanted) return std::nullopt;
  return at;
}

void DirectoryIndex::insert_record(Record record) {
  const auto earlier = [&](Record other) { return !before(record, other); };
  auto block = std::ranges::partition_point(
      blocks_, [&](const std::vector<Record>& candidate) { return earlier(candidate.front()); });
  if (blocks_.empty()) {
    blocks_.emplace_back().push_back(record);
    return;
  }
  if (block != blocks_.begin()) --block;
  if (block->size() >= block_records_max) {
    const auto middle = block->begin() + static_cast<std::ptrdiff_t>(block->size() / 2);
    std::vector<Record> upper;
    upper.reserve(block_records_max);
    upper.assign(middle, block->end());
    block->erase(middle, block->end());
    const bool in_upper = earlier(upper.front());
    block = blocks_.insert(block + 1, std::move(upper));
    if (!in_upper) --block;
  }
  block->insert(std::ranges::partition_point(*block, earlier), record);
}

void DirectoryIndex::erase_record(Position at) {
  auto& block = blocks_[at.block];
  block.erase(block.begin() + at.slot);
  if (block.empty()) blocks_.erase(blocks_.begin() + at.block);
}

bool DirectoryIndex::insert(std::string_view added, EntryKind added_kind) {
  const bool directory = added_kind == EntryKind::directory;
  const std::string_view added_text = entry_text(added, in_chain_);
  const bool plain = holds(added_text, false, added_kind) &&
                     !find(added, directory ? EntryKind::directory_object : added_kind);
  const bool slashed = directory && holds(added_text, true, added_kind) && !find_directory(added);
  if (!plain && !slashed) return false;
  const Record record = append(added, added_kind);
  if (plain) insert_record(record);
  if (slashed) insert_record(record | slash_bit);
  ++generation_;
  return true;
}

bool DirectoryIndex::remove(std::string_view removed, EntryKind removed_kind) {
  const bool directory = removed_kind == EntryKind::directory;
  bool found = false;
  if (directory) {
    if (const auto at = find_directory(removed)) {
      erase_record(*at);
      found = true;
    }
  }
  if (const auto at = find(removed, directory ? EntryKind::directory_object : removed_kind)) {
    erase_record(*at);
    found = true;
  }
  if (!found) return false;
  --names_;
  wasted_bytes_ += header_bytes + removed.size();
  ++generation_;
  return true;
}

std::size_t DirectoryIndex::bytes() const {
  const std::size_t records = blocks_.size() > 1 ? blocks_.size() * block_records_max
                              : blocks_.empty()  ? 0
                                                 : blocks_[0].capacity();
  return sizeof *this + chunks_bytes_ + chunks_.capacity() * sizeof(Chunk) +
         records * sizeof(Record) + blocks_.capacity() * sizeof(blocks_[0]);
}

}  // namespace millrace::s3::store
