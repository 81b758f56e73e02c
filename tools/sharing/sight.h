// What one process changes in a folder, and whether another sees all of it at once: by the calls
// that the store stands on. Blocks; one thread. Whose turn it is, turns.h says.
#pragma once

#include "engine/descriptor.h"

#include <optional>
#include <string>

namespace millrace::tools::sharing {

class Sight {
 public:
  // `folder` outlives it.
  explicit Sight(int folder) : folder_(folder) {}

  // Opens the file that both read by a descriptor that stays open, and makes it: 0 or an errno.
  int open(bool make);
  // The changes of a round, counted from 0: a name that is replaced, one that comes and one that
  // goes, a directory that comes and one that goes, a file that grows. 0 or an errno.
  int leave(unsigned round) const;
  // What of the other's round is not seen, in words.
  std::optional<std::string> missed(unsigned round) const;
  // Asks for everything that the other's next round changes, right before it, so that a kernel
  // that remembers answers is found out by missed() right after it.
  void remember(unsigned next_round) const;

  // Removes the folder's content.
  static void clear(int folder);

 private:
  int replace(unsigned round) const;
  int grow(unsigned round) const;
  std::optional<std::string> missed_content(unsigned round) const;
  std::optional<std::string> missed_names(unsigned round) const;
  std::optional<std::string> missed_listing(unsigned round) const;

  int folder_;
  engine::Descriptor grown_;
};

}  // namespace millrace::tools::sharing
