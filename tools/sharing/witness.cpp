// See witness.h.
#include "tools/sharing/witness.h"

#include "tools/sharing/proof.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <tuple>

namespace millrace::tools::sharing {
namespace {

using engine::Descriptor;
using Kind = Verdict::Kind;

constexpr const char* folder_name = "sharing";
constexpr std::string_view presence_prefix = "here.";
constexpr auto look_every = std::chrono::milliseconds(200);
constexpr unsigned keep_every_looks = 5;
// A present container's thread looks every 200 ms; it may be busy with another's question.
constexpr std::uint64_t present_wait_ms = 15'000;
constexpr std::uint64_t absent_wait_ms = 1'500;
constexpr const char* remedy =
    "mount it on every host without remembered names and with locks (GlusterFS: "
    "attribute-timeout=0,entry-timeout=0,negative-timeout=0 and the volume options of the README; "
    "NFS: lookupcache=none,noac), or keep to one container";

struct flock whole_file(short type) {
  struct flock whole = {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return whole;
}

// 0 or an errno; EAGAIN where somebody else has it.
int take(int fd, short type) {
  struct flock whole = whole_file(type);
  if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}

}  // namespace

Refusal Witness::refusal(const std::string& name, const std::string& why) const {
  return {options_.directory, fmt::format("can't be shared with the container {}: {}", name, why),
          remedy};
}

Allowed<> Witness::enter() {
  const std::string path = options_.directory + "/.millrace/" + folder_name;
  if (::mkdirat(options_.system_fd, folder_name, 0700) < 0 && errno != EEXIST) {
    return refuse_errno(path, errno, "let this user write there");
  }
  folder_ = Descriptor(
      ::openat(options_.system_fd, folder_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_) return refuse_errno(path, errno, "let this user write there");
  sweep(folder_.get());
  const std::string own = std::string(presence_prefix) + options_.name;
  own_ = Descriptor(
      ::openat(folder_.get(), own.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!own_) return refuse_errno(path + "/" + own, errno, "let this user write there");
  const int errnum = take(own_.get(), F_WRLCK);
  if (errnum == 0) return {};
  if (errnum == EAGAIN) {
    return refuse(path + "/" + own, "another container of this name serves the directory",
                  "stop that one first");
  }
  return refuse(path + "/" + own, "can't be locked: " + errno_text(errnum),
                "mount the filesystem with locks (NFS: without nolock)");
}

Allowed<std::unique_ptr<Witness>> Witness::start(WitnessOptions options) {
  std::unique_ptr<Witness> witness(new Witness(std::move(options)));
  if (auto entered = witness->enter(); !entered.has_value()) {
    return std::unexpected(std::move(entered.error()));
  }
  witness->thread_ = std::thread([&self = *witness] { self.run(); });
  return witness;
}

Witness::~Witness() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  // A later one of this name makes another: nobody else locks it.
  if (!lost_) {
    ::unlinkat(folder_.get(), (std::string(presence_prefix) + options_.name).c_str(), 0);
  }
}

// Where it can't be said (the filesystem is away), the next second tells. The own name may be
// refused for a while: the servers that were cut off still hold it for the connection that was.
// That of the directory is shared, so who keeps it from us has it alone.
bool Witness::keep_locks() const {
  std::ignore = take(own_.get(), F_WRLCK);
  return take(options_.lock_fd, F_RDLCK) != EAGAIN;
}

void Witness::run() {
  for (unsigned looks = 0;; ++looks) {
    {
      std::unique_lock guard(mutex_);
      if (wake_.wait_for(guard, look_every, [this] { return stopping_; })) return;
    }
    answer(folder_.get(), options_.name);
    if (looks % keep_every_looks != 0 || lost_) continue;
    lost_ = !keep_locks();
    if (lost_) options_.on_lost();
  }
}

std::vector<std::string> Witness::others() const {
  std::vector<std::string> names;
  const int opened = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = opened < 0 ? nullptr : ::fdopendir(opened);
  if (entries == nullptr) {
    if (opened >= 0) ::close(opened);
    return names;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name(entry->d_name);
    if (!name.starts_with(presence_prefix)) continue;
    names.emplace_back(name.substr(presence_prefix.size()));
    if (names.back() == options_.name) names.pop_back();
  }
  ::closedir(entries);
  return names;
}

bool Witness::seems_present(const std::string& name) const {
  const Descriptor file(::openat(folder_.get(), (std::string(presence_prefix) + name).c_str(),
                                 O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct flock whole = whole_file(F_WRLCK);
  return file && ::fcntl(file.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

Allowed<> Witness::prove() const {
  std::vector<std::string> present;
  std::vector<std::string> absent;
  for (std::string& name : others()) {
    (seems_present(name) ? present : absent).push_back(std::move(name));
  }
  std::ranges::shuffle(present, std::minstd_rand(std::random_device{}()));
  for (const std::string& name : present) {
    const Verdict verdict = ask(folder_.get(), name, present_wait_ms);
    if (verdict.kind == Kind::fault) return std::unexpected(refusal(name, verdict.why));
    if (verdict.kind == Kind::proved) return {};
    // One that is stopped holds its lock, and that is seen here.
  }
  // All that have ended are waited for at once: most often that is all there is to it.
  std::vector<Verdict> verdicts(absent.size());
  std::vector<std::thread> asking;
  for (std::size_t i = 0; i < absent.size(); ++i) {
    asking.emplace_back([&, i] { verdicts[i] = ask(folder_.get(), absent[i], absent_wait_ms); });
  }
  for (std::thread& each : asking) each.join();
  for (std::size_t i = 0; i < absent.size(); ++i) {
    if (verdicts[i].kind == Kind::fault) {
      return std::unexpected(refusal(absent[i], verdicts[i].why));
    }
  }
  return {};
}

}  // namespace millrace::tools::sharing
