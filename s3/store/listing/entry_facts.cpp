// See entry_facts.h.
#include "s3/store/listing/entry_facts.h"

#include "engine/check.h"
#include "engine/file.h"
#include "engine/shard.h"
#include "s3/store/object.h"

#include <sys/stat.h>

#include <cerrno>

namespace millrace::s3::store {

using engine::Result;
using engine::Shard;
using engine::Task;
namespace file = engine::file;

namespace {

// What is longer is read by opening the file.
constexpr std::size_t attribute_bytes = 256;

}  // namespace

struct EntryMemory::Job {
  std::array<struct statx, questions_max> status;
  std::array<file::NamedStatus, questions_max> names;
  std::array<file::NamedAttribute, questions_max> wanted;
  std::array<std::size_t, questions_max> of_question;  // of `wanted`
  std::array<std::array<std::byte, attribute_bytes>, questions_max> attributes;
};

EntryMemory::EntryMemory(const StoreOptions& options) : options_(options) {
  const Abilities& abilities = options.abilities;
  if (!abilities.local || abilities.shared || abilities.attribute_bytes_max == 0) return;
  struct statx status{};
  if (Shard::current().ring().stat_open(options.data_fd, status) == 0) device_ = device_of(status);
}

Task<Result<>> EntryMemory::look(std::span<const EntryQuestion> questions) {
  CHECK(questions.size() <= questions_max);
  if (!table_) table_.reset(static_cast<Known*>(std::calloc(table_size, sizeof(Known))));
  const auto job = std::make_unique_for_overwrite<Job>();
  const std::uint64_t looked_ns = Shard::current().ring().wall_ns();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    job->names[i] = {questions[i].directory, questions[i].name, &job->status[i], 0};
  }
  const auto asked = co_await file::stat_names(std::span(job->names).first(questions.size()));
  if (!asked) co_return asked;
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    EntryFacts& facts = *questions[i].facts;
    const struct statx& status = job->status[i];
    take_status(status, job->names[i].result, facts);
    if (facts.state != EntryFacts::State::known) continue;
    if (recall(status, facts)) continue;
    facts.state = EntryFacts::State::ask;
    if (!by_name_ || device_of(status) != device_) continue;
    job->of_question[wanted] = i;
    job->wanted[wanted] = {questions[i].directory, questions[i].name, job->attributes[wanted], 0};
    ++wanted;
  }
  if (wanted == 0) co_return Result<>{};
  const auto read = co_await file::get_attribute_of_names(metadata_attribute_name,
                                                          std::span(job->wanted).first(wanted));
  if (!read) co_return read;
  for (std::size_t k = 0; k < wanted; ++k) {
    const std::size_t i = job->of_question[k];
    take_attribute(job->status[i], job->wanted[k].result, job->attributes[k], looked_ns,
                   *questions[i].facts);
  }
  co_return Result<>{};
}

void EntryMemory::take_status(const struct statx& status, std::int32_t result, EntryFacts& facts) {
  facts.state = EntryFacts::State::ask;
  if (result == -ENOENT) facts.state = EntryFacts::State::absent;
  if (result < 0 || !S_ISREG(status.stx_mode)) return;
  facts.state = EntryFacts::State::known;
  facts.mtime_ns = nanoseconds_of(status.stx_mtime);
}

bool EntryMemory::recall(const struct statx& status, EntryFacts& facts) {
  if (!table_ || device_of(status) != device_) return false;
  const Known& known = table_[status.stx_ino % table_size];
  if (known.inode != status.stx_ino || known.changed_ns != nanoseconds_of(status.stx_ctime) ||
      known.mtime_ns != nanoseconds_of(status.stx_mtime) || known.file_size != status.stx_size) {
    return false;
  }
  ++hits_;
  show(known, facts);
  return true;
}

// Between the two calls the name may have become another file's. Then the attribute is not one for
// this size and time; if there was none, the file is opened to be sure.
void EntryMemory::take_attribute(const struct statx& status, std::int64_t result,
                                 std::span<const std::byte> attribute, std::uint64_t looked_ns,
                                 EntryFacts& facts) {
  if (result == -ENOSYS) by_name_ = false;
  if (result < 0) return;
  const auto meta = decode(attribute.first(static_cast<std::size_t>(result)));
  if (!meta || !meta->made_for(status.stx_size, nanoseconds_of(status.stx_mtime)) ||
      meta->size != status.stx_size || meta->etag.kind == EtagKind::opaque) {
    return;
  }
  const Known known{.inode = status.stx_ino,
                    .changed_ns = nanoseconds_of(status.stx_ctime),
                    .mtime_ns = nanoseconds_of(status.stx_mtime),
                    .file_size = status.stx_size,
                    .md5 = meta->etag.md5,
                    .parts = meta->etag.parts,
                    .etag = meta->etag.kind,
                    .checksum = meta->checksum.algorithm,
                    .checksum_type = meta->checksum.type};
  facts.state = EntryFacts::State::known;
  show(known, facts);
  keep(known, looked_ns);
}

void EntryMemory::remember(const OpenObject& object, std::uint64_t looked_ns) {
  const Etag& etag = object.meta.etag;
  if (!serves() || object.device != device_ || object.meta.size != object.file_size ||
      (object.native && etag.kind == EtagKind::opaque)) {
    return;
  }
  keep({.inode = object.inode,
        .changed_ns = object.changed_ns,
        .mtime_ns = object.mtime_ns,
        .file_size = object.file_size,
        .md5 = etag.md5,
        .parts = etag.parts,
        .etag = etag.kind,
        .checksum = object.meta.checksum.algorithm,
        .checksum_type = object.meta.checksum.type},
       looked_ns);
}

// The stamps were taken before the attribute was read: had the file changed in between, they would
// not be its stamps any more.
void EntryMemory::keep(const Known& known, std::uint64_t looked_ns) {
  const auto settled_ns =
      static_cast<std::int64_t>(looked_ns) - stamps_settle_ns(options_.abilities);
  if (table_ && known.changed_ns < settled_ns) table_[known.inode % table_size] = known;
}

void EntryMemory::show(const Known& known, EntryFacts& facts) {
  facts.size = known.file_size;
  facts.checksum = known.checksum;
  facts.checksum_type = known.checksum_type;
  if (known.etag == EtagKind::opaque) {
    const std::span<char, foreign_etag_bytes> room(facts.etag_text.data(), foreign_etag_bytes);
    facts.etag_size = make_foreign_etag(known.inode, known.file_size, known.mtime_ns, room).size();
    return;
  }
  const Etag etag{.kind = known.etag, .parts = known.parts, .md5 = known.md5, .opaque = {}};
  facts.etag_size = write_etag(etag, facts.etag_text).size();
}

}  // namespace millrace::s3::store
