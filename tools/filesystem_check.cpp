// Turns abilities into words and into the decision to start. Pure.
#include "tools/filesystem_check.h"

#include <fmt/format.h>

namespace millrace::tools {
namespace {

using s3::store::Abilities;
using s3::store::Ability;
using s3::store::DirectorySync;
using Verdict = CheckRow::Verdict;

void add_ability(CheckReport& report, const char* subject, Ability ability, const char* with,
                 const char* without) {
  if (ability) {
    report.add(subject, Verdict::ok, "", with);
    return;
  }
  const char* name = strerrorname_np(ability.errnum);
  report.add(subject, Verdict::absent, name == nullptr ? "" : name, without);
}

std::string duration_text(std::uint32_t nanoseconds) {
  if (nanoseconds < 1000) return fmt::format("{} ns", nanoseconds);
  if (nanoseconds < 1'000'000) return fmt::format("{:.3g} us", nanoseconds / 1e3);
  if (nanoseconds < 1'000'000'000) return fmt::format("{:.3g} ms", nanoseconds / 1e6);
  return fmt::format("{:.3g} s", nanoseconds / 1e9);
}

void add_hard_link(CheckReport& report, const std::string& path, Ability ability) {
  if (ability) {
    report.add("hard links", Verdict::ok, "", "a new key is published by one link");
    return;
  }
  report.add("hard links", Verdict::no, errno_text(ability.errnum),
             "nothing can be published atomically");
  report.add_refusal(
      {path, "the filesystem has no hard links", "put the data directory on ext4, xfs or btrfs"});
}

void add_directory_sync(CheckReport& report, const std::string& path, const Abilities& abilities,
                        Durability durability) {
  switch (abilities.directory_sync) {
    case DirectorySync::works:
      report.add("directory fsync", Verdict::ok, "", "names are made durable");
      return;
    case DirectorySync::ignored:
      report.add("directory fsync", Verdict::absent, "does nothing",
                 "the object is synced again after its name is published");
      return;
    case DirectorySync::unproven:
      report.add("directory fsync", Verdict::absent, "unproven",
                 "the object is synced again after its name is published");
      return;
    case DirectorySync::fails: break;
  }
  const bool needed = durability == Durability::strict;
  report.add("directory fsync", needed ? Verdict::no : Verdict::absent,
             errno_text(abilities.directory_sync_errnum), "durability strict can't be promised");
  if (needed) {
    report.add_refusal(
        {path, "fsync of a directory fails: " + errno_text(abilities.directory_sync_errnum),
         "choose another filesystem, or --durability data"});
  }
}

void add_attributes(CheckReport& report, std::uint32_t bytes) {
  const char* meaning = bytes == 0       ? "each object has a metadata file beside it: slower"
                        : bytes < 60000U ? "larger metadata goes to a sidecar file"
                                         : "all metadata stays with its object";
  report.add("user attributes", bytes == 0 ? Verdict::absent : Verdict::ok,
             fmt::format("{} bytes", bytes), meaning);
}

void add_direct_io(CheckReport& report, const Abilities& abilities) {
  add_ability(report, "O_DIRECT", abilities.direct_io, "large bodies can pass by the page cache",
              "all data goes through the page cache");
  if (abilities.direct_io && abilities.direct_offset_align_bytes != 0) {
    report.rows.back().found = fmt::format("aligned to {}", abilities.direct_offset_align_bytes);
  }
}

void add_timestamps(CheckReport& report, const Abilities& abilities) {
  report.add("timestamps", abilities.timestamp_unit_ns == 1 ? Verdict::ok : Verdict::absent,
             fmt::format("{}, step {}", duration_text(abilities.timestamp_unit_ns),
                         duration_text(abilities.timestamp_tick_ns)),
             "a change is noticed when it is at least a step apart");
}

// What containers on several hosts would see of each other.
void add_names(CheckReport& report, const Abilities& abilities) {
  using s3::store::FilesystemKind;
  if (abilities.local) return;
  if (!abilities.names_remembered) {
    report.add("names", Verdict::ok, "asked for", "containers of a cluster can share it");
    return;
  }
  const char* options = abilities.kind == FilesystemKind::nfs ? "lookupcache=none,noac"
                        : abilities.kind == FilesystemKind::glusterfs
                            ? "attribute-timeout=0,entry-timeout=0,negative-timeout=0"
                            : "no remembered names";
  report.add("names", Verdict::absent, "remembered",
             fmt::format("other hosts' changes show late: for a cluster mount with {}", options));
}

}  // namespace

CheckReport check_filesystem(const std::string& path, const Abilities& abilities,
                             Durability durability) {
  CheckReport report;
  report.add("filesystem", Verdict::ok, std::string(abilities.type()),
             abilities.local ? "local: cached metadata is read without a worker"
                             : "not on the local list: every call goes to a worker");
  report.add("persistence", abilities.persistent ? Verdict::ok : Verdict::absent, "",
             abilities.persistent ? "what is synced outlives a power cut"
                                  : "in memory only: a reboot loses everything");
  add_hard_link(report, path, abilities.hard_link);
  add_directory_sync(report, path, abilities, durability);
  add_attributes(report, abilities.attribute_bytes_max);
  add_ability(report, "O_TMPFILE and link", abilities.tmpfile_link,
              "a killed server leaves no staging file", "staging files get names of their own");
  add_ability(report, "RENAME_NOREPLACE", abilities.rename_noreplace, "used for moves",
              "links do its work");
  add_ability(report, "RENAME_EXCHANGE", abilities.rename_exchange,
              "a file becomes a directory in one step",
              "a file becomes a directory under a lock, in several steps");
  add_ability(report, "OFD locks", abilities.ofd_lock, "processes can exclude each other",
              "If-Match across processes is refused");
  add_direct_io(report, abilities);
  add_ability(report, "copy_file_range", abilities.copy_file_range, "copies stay in the kernel",
              "copies pass through this process");
  add_ability(report, "reflink", abilities.reflink, "copies share their blocks",
              "copies take their space");
  add_ability(report, "inotify", abilities.inotify, "listings stay sorted in memory",
              "a listing is read again when its directory has changed");
  add_names(report, abilities);
  add_timestamps(report, abilities);
  return report;
}

std::string durability_promise(Durability durability, const Abilities& abilities) {
  std::string promise;
  switch (durability) {
    case Durability::strict:
      promise = "data, metadata and name are on stable storage before success";
      break;
    case Durability::data:
      promise = "data and metadata are synced before success, the name isn't";
      break;
    case Durability::none:
      promise = "nothing is synced; a power cut may lose or tear what succeeded";
      break;
  }
  if (!abilities.persistent) {
    promise += fmt::format(" (but {} is memory: a reboot loses everything)", abilities.type());
  }
  return promise;
}

std::string abilities_text(const Abilities& abilities) {
  std::string text;
  const auto add = [&](bool there, std::string_view word) {
    if (!there) return;
    if (!text.empty()) text += ' ';
    text += word;
  };
  add(static_cast<bool>(abilities.tmpfile_link), "tmpfile");
  add(static_cast<bool>(abilities.rename_noreplace), "noreplace");
  add(static_cast<bool>(abilities.rename_exchange), "exchange");
  add(abilities.attribute_bytes_max != 0, fmt::format("xattr={}", abilities.attribute_bytes_max));
  add(static_cast<bool>(abilities.ofd_lock), "locks");
  add(static_cast<bool>(abilities.direct_io), "direct");
  add(static_cast<bool>(abilities.copy_file_range), "copy");
  add(static_cast<bool>(abilities.reflink), "reflink");
  add(static_cast<bool>(abilities.inotify), "inotify");
  return text;
}

}  // namespace millrace::tools
