// See the header. The walk names what may be on the page, up to 128 at a time. On a local
// filesystem their files are looked at by name, by one job (entry_facts.h); otherwise, and where
// that took as long as a disk does, they are opened all at once, which hides the disk's or the
// network's time. Only what exists is offered to the collector, so its count and its `truncated`
// are right.
#include "s3/store/listing/list_page.h"

#include "engine/group.h"
#include "s3/store/listing/walk.h"
#include "s3/store/read.h"

#include <algorithm>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;

namespace {

constexpr std::size_t candidates_at_once = EntryMemory::questions_max;
// Fewer are done before a worker has woken up.
constexpr std::size_t job_candidates_min = 8;
// Of a job: it waited for a disk.
constexpr std::uint64_t slow_ns = 4'000'000;
constexpr std::uint64_t turn_ns = 300'000;

struct Slot {
  Candidate candidate;
  Result<> outcome;
  EntryFacts facts;  // of a directory: whether there is anything
  bool exists() const { return facts.state == EntryFacts::State::known; }
};

class Page {
 public:
  Page(const StoreOptions& options, DirectoryIndexes& indexes, EntryMemory& memory,
       std::string_view bucket, const ListParameters& parameters, Collector& collector,
       ListSink sink)
      : options_(options),
        memory_(memory),
        bucket_(bucket),
        max_keys_(parameters.max_keys),
        collector_(collector),
        sink_(sink),
        walk_(options, indexes, bucket, parameters.prefix, parameters.delimiter) {}

  Task<Result<>> run();

 private:
  Task<Result<std::size_t>> fill();
  Task<Result<>> look_up(std::size_t filled);
  Task<void> examine(Slot& slot);
  Task<void> examine_directory(Slot& slot);
  Result<bool> offer(Slot& slot);
  void show(const Slot& slot) const;

  const StoreOptions& options_;
  EntryMemory& memory_;
  const std::string_view bucket_;
  const std::size_t max_keys_;
  Collector& collector_;
  const ListSink sink_;
  Walk walk_;
  std::vector<Slot> slots_;
  bool slow_ = false;  // the last candidates waited for a disk
};

Task<Result<>> Page::run() {
  if (const auto started = co_await walk_.start(collector_.next_wanted()); !started) {
    co_return started;
  }
  auto& ring = engine::Shard::current().ring();
  std::uint64_t since_ns = ring.monotonic_ns();
  if (!collector_.finished()) slots_.resize(std::min(candidates_at_once, max_keys_ + 1));
  while (!collector_.finished()) {
    const auto filled = co_await fill();
    if (!filled) co_return std::unexpected(filled.error());
    if (*filled == 0) break;
    for (std::size_t i = 0; i < *filled && !collector_.finished(); ++i) {
      const auto taken = offer(slots_[i]);
      if (!taken) co_return std::unexpected(taken.error());
      if (*taken) continue;
      // The walk went past what it took for a common prefix, but this key was not there.
      std::string wanted = slots_[i].candidate.key;
      if (slots_[i].candidate.kind == Candidate::Kind::directory) {
        if (!advance_past_prefix(wanted)) co_return Result<>{};
      } else {
        wanted.push_back('\0');
      }
      const auto restarted = co_await walk_.start(wanted);
      if (!restarted) co_return restarted;
      break;
    }
    if (ring.monotonic_ns() - since_ns < turn_ns) continue;
    co_await engine::Yield{};
    since_ns = ring.monotonic_ns();
  }
  co_return Result<>{};
}

// Takes the next candidates and finds out about them; how many.
Task<Result<std::size_t>> Page::fill() {
  // One more than there is room for tells whether the page is truncated.
  const std::size_t wanted =
      std::min(slots_.size(), max_keys_ - std::min<std::size_t>(max_keys_, collector_.count()) + 1);
  std::size_t filled = 0;
  while (filled < wanted) {
    Slot& slot = slots_[filled];
    const auto more = co_await walk_.next(slot.candidate);
    if (!more) co_return std::unexpected(more.error());
    if (!*more) break;
    slot.outcome = {};
    slot.facts.state = EntryFacts::State::ask;
    ++filled;
  }
  auto& ring = engine::Shard::current().ring();
  const std::uint64_t began_ns = ring.monotonic_ns();
  if (memory_.serves() && !slow_ && filled >= job_candidates_min) {
    const auto looked = co_await look_up(filled);
    if (!looked) co_return std::unexpected(looked.error());
  }
  engine::TaskGroup group;
  for (Slot& slot : std::span(slots_).first(filled)) {
    if (slot.facts.state != EntryFacts::State::ask) continue;
    group.adopt(slot.candidate.kind == Candidate::Kind::directory ? examine_directory(slot)
                                                                  : examine(slot));
  }
  co_await group.join();
  slow_ = ring.monotonic_ns() - began_ns > slow_ns;
  co_return filled;
}

// Whatever this leaves unanswered is opened.
Task<Result<>> Page::look_up(std::size_t filled) {
  std::array<EntryQuestion, EntryMemory::questions_max> questions;
  std::size_t count = 0;
  for (Slot& slot : std::span(slots_).first(filled)) {
    const Candidate& candidate = slot.candidate;
    if (candidate.kind != Candidate::Kind::object) continue;
    questions[count++] = {candidate.directory.get(), candidate.leaf.c_str(), &slot.facts};
  }
  co_return co_await memory_.look(std::span(questions).first(count));
}

Task<void> Page::examine(Slot& slot) {
  const Candidate& candidate = slot.candidate;
  const int directory = candidate.directory.get();
  const std::uint64_t looked_ns = engine::Shard::current().ring().wall_ns();
  OpenObject object;
  Result<> opened;
  bool inside = candidate.kind == Candidate::Kind::directory_object;
  if (inside) {
    std::string leaf = candidate.leaf;
    leaf.append("/").append(file_of_directory_name);
    opened = co_await open_entry(options_, bucket_, directory, leaf.c_str(), candidate.key, object);
    inside = opened || !opened.error().is(ENOTDIR);  // else the directory became a file
  }
  if (!inside) {
    opened = co_await open_entry(options_, bucket_, directory, candidate.leaf.c_str(),
                                 candidate.key, object);
  }
  EntryFacts& facts = slot.facts;
  if (!opened) {
    facts.state = EntryFacts::State::absent;
    if (!opened.error().is(ENOENT) && !opened.error().is(ENOTDIR)) slot.outcome = opened;
    co_return;
  }
  facts.state = EntryFacts::State::known;
  facts.size = object.meta.size;
  facts.mtime_ns = object.mtime_ns;
  facts.checksum = object.meta.checksum.algorithm;
  facts.checksum_type = object.meta.checksum.type;
  facts.etag_size = object.etag().copy(facts.etag_text.data(), facts.etag_text.size());
  memory_.remember(object, looked_ns);
}

Task<void> Page::examine_directory(Slot& slot) {
  const Candidate& candidate = slot.candidate;
  slot.facts.state = EntryFacts::State::absent;
  auto opened = co_await open_to_read(options_.abilities.local, candidate.directory.get(),
                                      candidate.leaf.c_str());
  if (!opened) {
    if (!directory_gone(opened.error())) slot.outcome = std::unexpected(opened.error());
    co_return;
  }
  const auto found = co_await any_object_below(options_, std::move(*opened), candidate.decoder);
  if (!found) {
    slot.outcome = std::unexpected(found.error());
  } else {
    if (*found) slot.facts.state = EntryFacts::State::known;
  }
}

// False: go back to behind this key.
Result<bool> Page::offer(Slot& slot) {
  if (!slot.outcome) return std::unexpected(slot.outcome.error());
  if (!slot.exists()) return !slot.candidate.skipped_rest;
  switch (collector_.offer(slot.candidate.key)) {
    case Decision::emit: show(slot); break;
    case Decision::common_prefix:
      sink_.common_prefix(sink_.context, collector_.common_prefix());
      break;
    case Decision::skip:
    case Decision::done: break;
  }
  return true;
}

void Page::show(const Slot& slot) const {
  sink_.object(sink_.context, {.key = slot.candidate.key,
                               .size = slot.facts.size,
                               .etag = slot.facts.etag(),
                               .modified_ms = slot.facts.mtime_ns / 1'000'000,
                               .checksum = slot.facts.checksum,
                               .checksum_type = slot.facts.checksum_type});
}

}  // namespace

Task<Result<>> list_page(const StoreOptions& options, DirectoryIndexes& indexes,
                         EntryMemory& memory, std::string_view bucket,
                         const ListParameters& parameters, Collector& collector, ListSink sink) {
  Page page(options, indexes, memory, bucket, parameters, collector, sink);
  co_return co_await page.run();
}

}  // namespace millrace::s3::store
