// The mapping of keys to names on disk, the table in names.h. Forward mapping
// never fails for a Key; the way back accepts exactly what the forward mapping
// can produce, which makes the two a bijection.
#include "s3/store/names.h"

#include <algorithm>

#include "engine/check.h"

namespace millrace::s3::store {
namespace {

using namespace std::string_view_literals;

constexpr auto reserved_prefix = ".mr."sv;
constexpr auto escape_prefix = ".mr.e."sv;
constexpr auto chain_part_prefix = ".mr.l."sv;
constexpr auto chain_end_prefix = ".mr.z."sv;

// CephFS gives `.snap` a meaning, NFS clients make and remove `.nfs...`.
constexpr bool needs_escape(std::string_view component) {
  return component.starts_with(reserved_prefix) || component.starts_with(".nfs"sv) ||
         component == ".snap"sv;
}

constexpr bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

constexpr std::size_t first_code_point_bytes(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && continues(text[length])) ++length;
  return length;
}

constexpr std::size_t chunk_end(std::string_view text) {
  if (text.size() <= chunk_bytes_max) return text.size();
  std::size_t end = chunk_bytes_max;
  while (continues(text[end])) --end;
  return end;
}

// Most bytes on disk, with one separator per name, that a component of n bytes
// can take: escaped, and cut after chunks three bytes short of the limit.
constexpr std::size_t worst_bytes(std::size_t n) {
  if (n <= 2) return 6;
  const std::size_t escaped = n + escape_prefix.size();
  if (escaped <= name_bytes_max) return escaped + 1;
  const std::size_t chunk = chunk_bytes_max - 3;
  const std::size_t chunks = (escaped + chunk - 1) / chunk;
  return escaped + 7 * chunks;
}

// A component of n bytes uses n + 1 of a key's bytes and one imagined final
// slash, so six bytes (and one name) for each of those bound every path.
constexpr bool bounds_hold() {
  for (std::size_t n = 0; n <= key_bytes_max; ++n) {
    if (worst_bytes(n) > 6 * (n + 1)) return false;
    if (n > 2 && (n + 6) / (chunk_bytes_max - 3) + 1 > n + 1) return false;
  }
  return true;
}
static_assert(bounds_hold());
static_assert(path_bytes_max == 6149 && path_bytes_max + 6 <= UINT16_MAX);

}  // namespace

void MappedPath::clear() {
  names_ = 0;
  size_ = 0;
  bytes_[0] = '\0';
}

std::string_view MappedPath::name(std::size_t index) const {
  const std::size_t end = index + 1 < names_ ? offsets_[index + 1] - 1U : size_;
  return view().substr(offsets_[index], end - offsets_[index]);
}

MappedPath::Cut MappedPath::cut(std::size_t first, std::size_t last) {
  CHECK(first < last && last <= names_);
  const std::size_t end = last < names_ ? offsets_[last] - 1U : size_;
  return Cut(bytes_.data() + offsets_[first], bytes_.data() + end);
}

std::size_t MappedPath::hop_end(std::size_t first) const {
  std::size_t last = first;
  while (last < names_) {
    const std::size_t end = last + 1 < names_ ? offsets_[last + 1] - 1U : size_;
    if (end - offsets_[first] > hop_bytes_max) break;
    ++last;
  }
  return last;
}

void MappedPath::append(std::string_view first, std::string_view second) {
  if (names_ > 0) bytes_[size_++] = '/';
  offsets_[names_++] = size_;
  CHECK(size_ + first.size() + second.size() < bytes_.size());
  first.copy(bytes_.data() + size_, first.size());
  size_ = static_cast<std::uint16_t>(size_ + first.size());
  second.copy(bytes_.data() + size_, second.size());
  size_ = static_cast<std::uint16_t>(size_ + second.size());
  bytes_[size_] = '\0';
}

void MappedPath::append_component(std::string_view component) {
  if (component.empty()) return append(".mr.0"sv, {});
  if (component == "."sv) return append(".mr.1"sv, {});
  if (component == ".."sv) return append(".mr.2"sv, {});
  const std::string_view escape = needs_escape(component) ? escape_prefix : ""sv;
  if (escape.size() + component.size() <= name_bytes_max) return append(escape, component);
  // Only a chain needs the escaped text in one piece.
  std::array<char, escape_prefix.size() + key_bytes_max> joined;
  escape.copy(joined.data(), escape.size());
  component.copy(joined.data() + escape.size(), component.size());
  std::string_view rest(joined.data(), escape.size() + component.size());
  while (!rest.empty()) {
    const std::size_t end = chunk_end(rest);
    append(end == rest.size() ? chain_end_prefix : chain_part_prefix, rest.substr(0, end));
    rest.remove_prefix(end);
  }
}

void MappedPath::map_text(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    append_component(text.substr(0, slash));
    if (slash == std::string_view::npos) return;
    text.remove_prefix(slash + 1);
  }
}

void MappedPath::append_file_of_directory() {
  CHECK(names_ > 0 && names_ < offsets_.size());
  append(file_of_directory_name, {});
}

void MappedPath::remove_last() {
  CHECK(names_ > 0);
  --names_;
  size_ = names_ == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(offsets_[names_] - 1);
  bytes_[size_] = '\0';
}

void map(const Key& key, MappedPath& path) {
  path.clear();
  path.map_text(key.view());
}

bool map_directory(std::string_view prefix, MappedPath& path) {
  path.clear();
  if (prefix.empty()) return true;
  if (prefix.size() > key_bytes_max || !prefix.ends_with('/') || !utf8_valid(prefix) ||
      prefix.find('\0') != std::string_view::npos) {
    return false;
  }
  path.map_text(prefix.substr(0, prefix.size() - 1));
  return true;
}

ClassifiedName classify_name(std::string_view entry) {
  constexpr ClassifiedName foreign{NameKind::foreign, {}};
  if (entry.empty() || entry.size() > name_bytes_max || !utf8_valid(entry)) return foreign;
  if (entry.find_first_of("/\0"sv) != std::string_view::npos) return foreign;
  if (entry == "."sv || entry == ".."sv) return foreign;
  if (!entry.starts_with(reserved_prefix)) {
    return needs_escape(entry) ? foreign : ClassifiedName{NameKind::ordinary, entry};
  }
  if (entry == ".mr.0"sv) return {NameKind::empty, ""sv};
  if (entry == ".mr.1"sv) return {NameKind::dot, "."sv};
  if (entry == ".mr.2"sv) return {NameKind::dotdot, ".."sv};
  if (entry == file_of_directory_name) return {NameKind::file_of_directory, ""sv};
  if (entry == system_name) return {NameKind::system, ""sv};
  const std::string_view text = entry.substr(std::min(entry.size(), escape_prefix.size()));
  if (text.empty()) return foreign;
  if (entry.starts_with(escape_prefix)) {
    return needs_escape(text) ? ClassifiedName{NameKind::escaped, text} : foreign;
  }
  if (entry.starts_with(chain_part_prefix)) return {NameKind::chain_part, text};
  if (entry.starts_with(chain_end_prefix)) return {NameKind::chain_end, text};
  return foreign;
}

bool NameDecoder::append(std::string_view text, std::size_t limit) {
  if (state_.size + text.size() > limit) return false;
  text.copy(text_.data() + state_.size, text.size());
  state_.size = static_cast<std::uint16_t>(state_.size + text.size());
  return true;
}

// A chunk is canonical if the one before it had no room for its first code
// point, the first begins as the escaped text of its component would, and the
// whole does not fit one name.
bool NameDecoder::add_chunk(const ClassifiedName& name) {
  std::string_view text = name.text;
  const std::size_t mapped = text.size();
  if (state_.chain_bytes == 0) {
    state_.component = state_.size;
    if (text.starts_with(escape_prefix)) {
      text.remove_prefix(escape_prefix.size());
      if (!needs_escape(text)) return false;
    } else if (text.starts_with(reserved_prefix) || text.starts_with(".nfs"sv)) {
      return false;
    }
  } else if (state_.chunk_bytes + first_code_point_bytes(text) <= chunk_bytes_max) {
    return false;
  }
  state_.chain_bytes = static_cast<std::uint16_t>(state_.chain_bytes + mapped);
  state_.chunk_bytes = static_cast<std::uint16_t>(mapped);
  if (!append(text)) return false;
  if (name.kind == NameKind::chain_part) return true;
  if (state_.chain_bytes <= name_bytes_max) return false;
  state_.chain_bytes = 0;
  return true;
}

bool NameDecoder::add_component(const ClassifiedName& name) {
  switch (name.kind) {
    case NameKind::chain_part:
    case NameKind::chain_end: return add_chunk(name);
    case NameKind::ordinary:
    case NameKind::empty:
    case NameKind::dot:
    case NameKind::dotdot:
    case NameKind::escaped: return !in_chain() && append(name.text);
    case NameKind::file_of_directory:
    case NameKind::system:
    case NameKind::foreign: break;
  }
  return false;
}

NameKind NameDecoder::file(std::string_view entry) {
  const Mark before = state_;
  const ClassifiedName name = classify_name(entry);
  if (name.kind == NameKind::system) return before.names == 0 ? name.kind : NameKind::foreign;
  if (name.kind == NameKind::file_of_directory) {
    if (before.names == 0 || in_chain()) return NameKind::foreign;
    --state_.size;  // the slash that going down appended
    return name.kind;
  }
  // A file `.mr.0` in the bucket's root would be the empty key; behind a whole
  // key's slash an empty component would be one byte too many.
  if (name.kind == NameKind::chain_part || !add_component(name) || state_.size == 0 ||
      state_.size > key_bytes_max) {
    state_ = before;
    return NameKind::foreign;
  }
  ++state_.names;
  return name.kind;
}

NameKind NameDecoder::directory(std::string_view entry) {
  const Mark before = state_;
  const ClassifiedName name = classify_name(entry);
  if (name.kind == NameKind::system) return before.names == 0 ? name.kind : NameKind::foreign;
  if (!add_component(name) || (!in_chain() && !append("/"sv, key_bytes_max + 1))) {
    state_ = before;
    return NameKind::foreign;
  }
  ++state_.names;
  return name.kind;
}

}  // namespace millrace::s3::store
