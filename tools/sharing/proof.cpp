// See proof.h. The asker has the first turn and the last look.
#include "tools/sharing/proof.h"

#include "engine/small_file.h"
#include "tools/refusal.h"
#include "tools/sharing/sight.h"
#include "tools/sharing/turns.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace millrace::tools::sharing {
namespace {

using engine::Descriptor;
using Kind = Verdict::Kind;

constexpr unsigned rounds = 6;  // even: the other's is the last
constexpr std::uint64_t turn_max_ms = 15'000;
constexpr std::size_t token_characters = 16;
constexpr std::string_view ask_prefix = "ask.";
constexpr std::string_view game_prefix = "game.";
constexpr std::chrono::milliseconds pause{10};
constexpr time_t leftover_s = 3600;

std::string words(int errnum) {
  if (errnum == ETIMEDOUT) return "the other container did not go on";
  return errno_text(errnum);
}

// One side of the turns; the words that it ended with, if it was not well.
class Player {
 public:
  Player(int game, Turns& turns) : game_(game), turns_(turns), sight_(game) {}

  std::optional<std::string> play(bool asks) {
    const unsigned first = asks ? 0 : 1;
    for (unsigned round = first; round < rounds + 1; round += 2) {
      if (const int errnum = turns_.take(turn_max_ms); errnum != 0) return failed(errnum);
      if (round == first) {
        if (const int errnum = sight_.open(asks); errnum != 0) return failed(errnum);
      }
      if (round > 0) {
        if (auto missed = sight_.missed(round - 1)) return tell(std::move(*missed));
      }
      if (round < rounds) {
        if (const int errnum = sight_.leave(round); errnum != 0) return failed(errnum);
        sight_.remember(round + 1);
      }
      if (const int errnum = turns_.pass(); errnum != 0) return failed(errnum);
    }
    return std::nullopt;
  }

 private:
  // What the other has told, which comes first: without its turn nothing is as it should be.
  std::optional<std::string> told() const {
    const Descriptor file(::openat(game_, "fault", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) return std::nullopt;
    return engine::read_small_file(file.get()).value_or("it saw a fault");
  }
  std::string failed(int errnum) { return tell(words(errnum)); }
  std::string tell(std::string fault) {
    if (auto others = told()) return "over there, " + *others;
    std::ignore = engine::write_small_file(game_, "fault", fault, 0600);
    return fault;
  }

  int game_;
  Turns& turns_;
  Sight sight_;
};

Descriptor open_turns(int game, int flags) {
  return Descriptor(::openat(game, "turns", O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
}

bool there(int game, const char* name) {
  const Descriptor file(::openat(game, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  return static_cast<bool>(file);
}

Verdict ask_in(int folder, int game, const std::string& request, std::uint64_t wait_max_ms) {
  Turns turns(open_turns(game, O_CREAT), Turns::Side::first);
  if (const int errnum = turns.begin(); errnum != 0) {
    return {Kind::fault, "a byte of a new file can't be locked: " + words(errnum)};
  }
  const Descriptor asked(::openat(folder, request.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!asked) return {Kind::fault, "a name can't be made: " + words(errno)};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_max_ms);
  while (!there(game, "here")) {
    if (std::chrono::steady_clock::now() > deadline) return {};
    std::this_thread::sleep_for(pause);
  }
  const int seen = turns.try_other();
  if (seen == 0 && !there(game, "fault")) {
    return {Kind::fault, "its locks are not seen here"};
  }
  if (seen != EAGAIN && seen != 0) return {Kind::fault, words(seen)};
  auto fault = Player(game, turns).play(true);
  if (fault) return {Kind::fault, std::move(*fault)};
  return {Kind::proved, {}};
}

void play_as_asked(int game) {
  Turns turns(open_turns(game, 0), Turns::Side::second);
  if (turns.begin() != 0) return;
  if (turns.try_other() == 0) {
    // Nobody holds it: he who asked has ended, or his lock does not reach here.
    std::ignore = engine::write_small_file(game, "fault", "its locks are not seen", 0600);
    std::ignore = engine::write_small_file(game, "here", "", 0600);
    return;
  }
  if (!engine::write_small_file(game, "here", "", 0600)) return;
  std::ignore = Player(game, turns).play(false);
}

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  const int opened = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = opened < 0 ? nullptr : ::fdopendir(opened);
  if (entries == nullptr) {
    if (opened >= 0) ::close(opened);
    return names;
  }
  while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
  ::closedir(entries);
  return names;
}

Descriptor open_game(int folder, const std::string& name) {
  return Descriptor(
      ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

void remove_game(int folder, const std::string& name) {
  if (const Descriptor game = open_game(folder, name)) Sight::clear(game.get());
  ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
}

}  // namespace

Verdict ask(int folder, const std::string& name, std::uint64_t wait_max_ms) {
  const std::string token = engine::random_text("0123456789abcdef", token_characters);
  const std::string game_name = std::string(game_prefix) + token;
  const std::string request = std::string(ask_prefix) + token + "." + name;
  if (::mkdirat(folder, game_name.c_str(), 0700) < 0) {
    return {Kind::fault, "a directory can't be made: " + words(errno)};
  }
  Verdict verdict;
  if (const Descriptor game = open_game(folder, game_name)) {
    verdict = ask_in(folder, game.get(), request, wait_max_ms);
  } else {
    verdict = {Kind::fault, "a new directory can't be opened: " + words(errno)};
  }
  ::unlinkat(folder, request.c_str(), 0);
  remove_game(folder, game_name);
  return verdict;
}

void answer(int folder, const std::string& name) {
  for (const std::string& request : names_in(folder)) {
    const std::size_t name_at = ask_prefix.size() + token_characters + 1;
    if (!request.starts_with(ask_prefix) || request.size() <= name_at ||
        request[name_at - 1] != '.' || request.substr(name_at) != name) {
      continue;
    }
    const std::string token = request.substr(ask_prefix.size(), token_characters);
    // First, so that nobody is gone to twice.
    if (::unlinkat(folder, request.c_str(), 0) < 0) continue;
    if (const Descriptor game = open_game(folder, std::string(game_prefix) + token)) {
      play_as_asked(game.get());
    }
  }
}

void sweep(int folder) {
  const time_t now = ::time(nullptr);
  for (const std::string& name : names_in(folder)) {
    const bool game = name.starts_with(game_prefix);
    const bool word = name.starts_with(ask_prefix) || name.starts_with(question_prefix) ||
                      name.starts_with(answer_prefix);
    if (!game && !word) continue;
    struct stat status = {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (status.st_mtim.tv_sec + leftover_s > now) continue;
    if (game) {
      remove_game(folder, name);
    } else {
      ::unlinkat(folder, name.c_str(), 0);
    }
  }
}

}  // namespace millrace::tools::sharing
