// See the header. A level is one component's place in the key; its entries come from one
// directory, and from those of the chains of long components that could sort between them.
#include "s3/store/listing/walk.h"

#include "s3/listing.h"
#include "s3/store/paths.h"

#include <fcntl.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// A chain's first chunk stands for at least so many bytes: 246, less an escape.
constexpr std::size_t chain_text_bytes_min = 240;

}  // namespace

Walk::Walk(const StoreOptions& options, DirectoryIndexes& indexes, std::string_view bucket,
           std::string_view prefix, std::string_view delimiter)
    : options_(options),
      indexes_(indexes),
      bucket_(bucket),
      prefix_(prefix),
      delimiter_(delimiter) {}

Task<Result<Descriptor>> Walk::open_base(MappedPath& path) {
  const BucketPath whole(bucket_, path, path.names());
  if (whole.fits()) {
    co_return co_await open_to_read(options_.abilities.local, options_.data_fd, whole.c_str());
  }
  co_return co_await open_names(options_.data_fd, bucket_, path, path.names(),
                                O_RDONLY | O_DIRECTORY);
}

Task<Result<>> Walk::start(std::string_view wanted) {
  wanted_ = std::max(wanted, prefix_);
  levels_.clear();
  decoder_.restore({});
  const std::size_t slash = prefix_.rfind('/');
  const auto above = prefix_.substr(0, slash == std::string_view::npos ? 0 : slash + 1);
  MappedPath path;
  const bool possible = map_directory(above, path);
  auto opened = co_await open_base(path);
  if (!opened && !directory_gone(opened.error())) co_return std::unexpected(opened.error());
  ended_ = !possible || !opened;
  if (!opened && path.names() > 0) {
    while (path.names() > 0) path.remove_last();
    const auto bucket = co_await open_base(path);
    if (bucket) co_return Result<>{};
    opened = std::unexpected(bucket.error());
  }
  if (!opened) {
    co_return std::unexpected(directory_gone(opened.error()) ? engine::Error::from_errno(ENOENT)
                                                             : opened.error());
  }
  for (std::size_t i = 0; i < path.names() && !ended_; ++i) {
    ended_ = refused(decoder_.directory(path.name(i)));
  }
  if (ended_) co_return Result<>{};
  Level& level = levels_.emplace_back();
  level.mark = decoder_.mark();
  level.cursors.emplace_back().directory = SharedDirectory(std::move(*opened));
  co_return Result<>{};
}

Task<Result<bool>> Walk::next(Candidate& out) {
  while (!ended_ && !levels_.empty()) {
    Level& level = levels_.back();
    const auto first = co_await least(level);
    if (!first) co_return std::unexpected(first.error());
    if (*first == nullptr) {
      leave_level();
      continue;
    }
    Cursor& cursor = **first;
    switch (cursor.index->entry(cursor.at).kind) {
      case EntryKind::object:
      case EntryKind::directory_object:
        if (take_object(level, cursor, out) == Step::yielded) co_return true;
        break;
      case EntryKind::directory: {
        const auto taken = co_await take_directory(level, cursor, out);
        if (!taken) co_return std::unexpected(taken.error());
        if (*taken == Step::yielded) co_return true;
        break;
      }
      case EntryKind::chain: {
        const auto taken = co_await take_chain(level, cursor);
        if (!taken) co_return std::unexpected(taken.error());
        break;
      }
    }
  }
  co_return false;
}

void Walk::leave_level() {
  decoder_.restore(levels_.back().mark);
  const std::string_view key = decoder_.key();
  if (wanted_ <= key || wanted_.starts_with(key)) want_past(key);
  levels_.pop_back();
}

bool Walk::relative_wanted(const Level& level, const Cursor& cursor, std::string& out) {
  decoder_.restore(level.mark);
  out.assign(decoder_.key());
  out += cursor.text;
  const std::size_t base = out.size();
  if (wanted_ <= out) {
    out = cursor.floor;
    return true;
  }
  if (!wanted_.starts_with(out)) return false;
  // Up to its first slash: the directory that holds it sorts there.
  std::string_view rest = std::string_view(wanted_).substr(base);
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) rest = rest.substr(0, slash + 1);
  out.assign(std::max(rest, std::string_view(cursor.floor)));
  return true;
}

Task<Result<bool>> Walk::settle(const Level& level, Cursor& cursor) {
  std::string place;
  for (;;) {
    const bool valid =
        cursor.index && cursor.placed && cursor.generation == cursor.index->generation();
    if (!valid || cursor.jump) {
      if (!relative_wanted(level, cursor, place)) co_return false;
      if (!cursor.index) {
        auto acquired = co_await indexes_.acquire(options_.abilities, cursor.directory.get(),
                                                  !cursor.chain.empty(), place);
        if (!acquired) {
          // Removed since it was opened: some filesystems then refuse to read it.
          if (directory_gone(acquired.error())) co_return false;
          co_return std::unexpected(acquired.error());
        }
        cursor.index = std::move(*acquired);
      }
      // Chains whose text the place begins with sort before it.
      if (cursor.index->has_chains() && place.size() > chain_text_bytes_min) {
        place.resize(chain_text_bytes_min);
      }
      const auto at = cursor.index->seek(place);
      cursor.at = valid && at <= cursor.at ? cursor.index->after(cursor.at) : at;
      cursor.generation = cursor.index->generation();
      cursor.placed = true;
      cursor.jump = false;
    }
    if (!cursor.index->at_end(cursor.at)) co_return true;
    if (cursor.index->until().empty()) co_return false;
    cursor.floor = cursor.index->until();
    cursor.index = IndexHandle();
    cursor.placed = false;
  }
}

Task<Result<Walk::Cursor*>> Walk::least(Level& level) {
  Cursor* first = nullptr;
  std::string first_text;
  std::string text;
  auto& cursors = level.cursors;
  for (std::size_t i = 0; i < cursors.size();) {
    const auto settled = co_await settle(level, cursors[i]);
    if (!settled) co_return std::unexpected(settled.error());
    if (!*settled) cursors.erase(cursors.begin() + static_cast<std::ptrdiff_t>(i));
    if (*settled && ++i < cursors.size()) continue;
    if (*settled && std::ranges::all_of(cursors, &Walk::in_place)) break;
    i = 0;  // one has gone, or an index changed while another was waited for
  }
  for (Cursor& cursor : cursors) {
    const auto entry = cursor.index->entry(cursor.at);
    if (cursors.size() == 1) co_return &cursor;
    text.assign(cursor.text).append(entry.text);
    if (entry.kind == EntryKind::directory) text += '/';
    if (first != nullptr && first_text <= text) continue;
    first = &cursor;
    first_text.swap(text);
  }
  co_return first;
}

bool Walk::go_down(const Level& level, const Cursor& cursor) {
  decoder_.restore(level.mark);
  for (const auto& name : cursor.chain) {
    if (refused(decoder_.directory(name))) return false;
  }
  return true;
}

bool Walk::behind_prefix(std::string_view text) const {
  return text > prefix_ && !text.starts_with(prefix_);
}

std::string_view Walk::rolled_up(std::string_view key) const {
  if (delimiter_.empty() || !key.starts_with(prefix_)) return {};
  const std::size_t at = key.find(delimiter_, prefix_.size());
  return at == std::string_view::npos ? std::string_view() : key.substr(0, at + delimiter_.size());
}

void Walk::want_after(std::string_view key) {
  wanted_.assign(key);
  wanted_.push_back('\0');
}

void Walk::want_past(std::string_view beginning) {
  wanted_.assign(beginning);
  if (!advance_past_prefix(wanted_)) ended_ = true;
}

Walk::Step Walk::take_object(const Level& level, Cursor& cursor, Candidate& out) {
  const auto entry = cursor.index->entry(cursor.at);
  const bool own = entry.kind == EntryKind::directory_object;
  bool known = go_down(level, cursor);
  if (own) known = known && !refused(decoder_.directory(entry.name));
  known = known && !refused(decoder_.file(own ? file_of_directory_name : entry.name));
  const std::string_view key = decoder_.key();
  if (known && key < wanted_) {
    cursor.jump = true;
    return Step::go_on;
  }
  if (known && behind_prefix(key)) {
    ended_ = true;
    return Step::go_on;
  }
  cursor.at = cursor.index->after(cursor.at);
  if (!known) return Step::go_on;
  out.kind = own ? Candidate::Kind::directory_object : Candidate::Kind::object;
  out.key.assign(key);
  out.leaf.assign(entry.name);
  out.directory = cursor.directory;
  const std::string_view common = rolled_up(out.key);
  out.skipped_rest = !common.empty();
  if (common.empty()) {
    want_after(out.key);
  } else {
    want_past(common);
  }
  return Step::yielded;
}

bool Walk::unwanted(std::string_view beginning, Cursor& cursor) {
  if (wanted_ > beginning && !wanted_.starts_with(beginning)) {
    cursor.jump = true;
    return true;
  }
  if (!behind_prefix(beginning)) return false;
  ended_ = true;
  return true;
}

Task<Result<Walk::Step>> Walk::take_directory(const Level& level, Cursor& cursor, Candidate& out) {
  const auto entry = cursor.index->entry(cursor.at);
  if (!go_down(level, cursor) || refused(decoder_.directory(entry.name))) {
    cursor.at = cursor.index->after(cursor.at);
    co_return Step::go_on;
  }
  const std::string_view key = decoder_.key();
  if (unwanted(key, cursor)) co_return Step::go_on;
  out.leaf.assign(entry.name);
  cursor.at = cursor.index->after(cursor.at);
  const std::string_view common = rolled_up(key);
  if (!common.empty() && wanted_ <= key) {
    out.kind = Candidate::Kind::directory;
    out.key.assign(key);
    out.directory = cursor.directory;
    out.decoder = decoder_;
    out.skipped_rest = common != key;
    want_past(common);
    co_return Step::yielded;
  }
  const auto mark = decoder_.mark();
  auto opened =
      co_await open_to_read(options_.abilities.local, cursor.directory.get(), out.leaf.c_str());
  if (!opened) {
    if (!directory_gone(opened.error())) co_return std::unexpected(opened.error());
    decoder_.restore(mark);
    want_past(decoder_.key());
    co_return Step::go_on;
  }
  Level& below = levels_.emplace_back();
  below.mark = mark;
  below.cursors.emplace_back().directory = SharedDirectory(std::move(*opened));
  co_return Step::go_on;
}

Task<Result<>> Walk::take_chain(Level& level, Cursor& cursor) {
  const auto entry = cursor.index->entry(cursor.at);
  const bool known = go_down(level, cursor) && !refused(decoder_.directory(entry.name));
  if (known && unwanted(decoder_.key(), cursor)) co_return Result<>{};
  Cursor added;
  added.chain = cursor.chain;
  added.chain.emplace_back(entry.name);
  added.text = cursor.text;
  added.text += entry.text;
  cursor.at = cursor.index->after(cursor.at);
  const bool entered = std::ranges::any_of(
      level.cursors, [&](const Cursor& other) { return other.chain == added.chain; });
  if (!known || entered) co_return Result<>{};
  auto opened = co_await open_to_read(options_.abilities.local, cursor.directory.get(),
                                      added.chain.back().c_str());
  if (!opened) {
    if (!directory_gone(opened.error())) co_return std::unexpected(opened.error());
    co_return Result<>{};
  }
  added.directory = SharedDirectory(std::move(*opened));
  level.cursors.push_back(std::move(added));
  co_return Result<>{};
}

}  // namespace millrace::s3::store
