// The proof that two containers see each other's locks and changes of one directory at once, which
// a cluster over a network filesystem stands on: whoever starts asks, whoever runs answers, and
// then they take turns (turns.h) in changing a folder and looking at it (sight.h). Blocks.
//   FOLDER/ask.TOKEN.NAME   the container NAME is asked to come to game.TOKEN
//   FOLDER/game.TOKEN/      turns (locked), here (NAME has come), fault (what one did not see)
// Invariant: an asker that was answered ends with a verdict; nothing is believed that is only read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools::sharing {

struct Verdict {
  enum class Kind : std::uint8_t {
    proved,
    silent,  // nobody came: it has ended, or is stopped
    fault,
  };
  Kind kind = Kind::silent;
  std::string why;  // of a fault
};

// Asks the container `name`, and waits for it to come for so long.
Verdict ask(int folder, const std::string& name, std::uint64_t wait_max_ms);

// Goes to every game that `name` is asked to: for its own thread, some times a second.
void answer(int folder, const std::string& name);

// What the witnesses of one configuration filesystem say to each other (witness.h).
inline constexpr std::string_view question_prefix = "look.";
inline constexpr std::string_view answer_prefix = "seen.";

// Removes what askers that ended midway have left for longer than an hour.
void sweep(int folder);

}  // namespace millrace::tools::sharing
