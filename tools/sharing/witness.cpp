// See witness.h.
#include "tools/sharing/witness.h"

#include "engine/small_file.h"
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
constexpr auto answers_wait = std::chrono::milliseconds(1'500);
constexpr auto answer_look_every = std::chrono::milliseconds(20);
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

std::vector<std::string> Witness::present() const {
  std::vector<std::string> names = others();
  std::erase_if(names, [this](const std::string& name) { return !seems_present(name); });
  return names;
}

namespace {

std::string question_name(const std::string& epoch, const std::string& asker) {
  return std::string(question_prefix) + epoch + "." + asker;
}

std::string answer_name(const std::string& epoch, const std::string& by) {
  return std::string(answer_prefix) + epoch + "." + by;
}

}  // namespace

// A beat that is not seen may be seen a moment later: it is looked for as long as somebody asks.
void Witness::say_what_is_seen() {
  std::set<std::string, std::less<>> asked;
  for (const std::string& name : names_of(question_prefix)) {
    const std::size_t dot = name.find('.');
    const std::string epoch = name.substr(0, dot);
    if (dot == name.npos || name.substr(dot + 1) == options_.name) continue;
    asked.insert(epoch);
    if (told_.contains(epoch)) continue;
    // Who can't look says nothing.
    const auto sees = options_.sees(name.substr(dot + 1), epoch);
    if (!sees) continue;
    const bool seen = *sees;
    if (seen) told_.insert(epoch);
    const std::string answer = answer_name(epoch, options_.name);
    ::unlinkat(folder_.get(), answer.c_str(), 0);
    std::ignore = engine::write_small_file(folder_.get(), answer, seen ? "yes" : "no", 0600);
  }
  std::erase_if(told_, [&](const std::string& epoch) { return !asked.contains(epoch); });
}

Allowed<> Witness::compare_configurations() const {
  const std::vector<std::string> names = present();
  if (names.empty()) return {};
  const std::string question = question_name(options_.epoch, options_.name);
  const Descriptor asked(::openat(folder_.get(), question.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!asked) return refuse_errno(options_.directory, errno, "let this user write there");
  const std::string stranger = find_stranger(names);
  ::unlinkat(folder_.get(), question.c_str(), 0);
  for (const std::string& name : names) {
    ::unlinkat(folder_.get(), answer_name(options_.epoch, name).c_str(), 0);
  }
  if (stranger.empty()) return {};
  return refuse("--config-fs",
                fmt::format("is not the configuration filesystem of the container {}, which serves "
                            "the same data",
                            stranger),
                "mount the same one on every host");
}

// One that says yes is enough; who is silent (stopped, hung) says nothing against.
std::string Witness::find_stranger(const std::vector<std::string>& names) const {
  const auto deadline = std::chrono::steady_clock::now() + answers_wait;
  std::string stranger;
  for (;;) {
    for (const std::string& name : names) {
      const Descriptor file(::openat(folder_.get(), answer_name(options_.epoch, name).c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      const auto text = file ? engine::read_small_file(file.get()) : engine::fail_errno(errno);
      if (text && *text == "yes") return {};
      if (text && *text == "no") stranger = name;
    }
    if (std::chrono::steady_clock::now() >= deadline) return stranger;
    std::this_thread::sleep_for(answer_look_every);
  }
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
    if (options_.sees) say_what_is_seen();
    if (looks % keep_every_looks != 0 || lost_) continue;
    lost_ = !keep_locks();
    if (lost_) options_.on_lost();
  }
}

std::vector<std::string> Witness::names_of(std::string_view prefix) const {
  std::vector<std::string> names;
  const int opened = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = opened < 0 ? nullptr : ::fdopendir(opened);
  if (entries == nullptr) {
    if (opened >= 0) ::close(opened);
    return names;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name(entry->d_name);
    if (name.starts_with(prefix)) names.emplace_back(name.substr(prefix.size()));
  }
  ::closedir(entries);
  return names;
}

std::vector<std::string> Witness::others() const {
  std::vector<std::string> names = names_of(presence_prefix);
  std::erase(names, options_.name);
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
