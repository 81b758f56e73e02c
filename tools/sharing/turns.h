// Two processes take turns by the locks of three bytes: each holds one, takes the next, does its
// work and only then lets the old one go. So whoever got a byte knows that the other has ended its
// turn, without any other channel than the locks that are to be proved. Blocks; one thread.
// Invariant: between two turns of one there is exactly one turn of the other.
#pragma once

#include "engine/descriptor.h"

#include <cstdint>

namespace millrace::tools::sharing {

class Turns {
 public:
  enum class Side : std::uint8_t { second, first };  // the byte that each holds at the beginning

  explicit Turns(engine::Descriptor file, Side side) : file_(std::move(file)), side_(side) {}

  // Takes this side's first byte: 0 or an errno.
  int begin();
  // Whether the other side holds its first byte: EAGAIN. 0: it could be taken (it is let go), so
  // either nobody holds it or its lock does not reach here. Else an errno.
  int try_other() const;
  // Waits for the other's turn to end. 0, ETIMEDOUT, or an errno.
  int take(std::uint64_t wait_max_ms);
  // Ends this side's turn: 0 or an errno.
  int pass();

 private:
  int lock(unsigned byte, short type) const;

  engine::Descriptor file_;
  Side side_;
  unsigned held_ = 0;
};

}  // namespace millrace::tools::sharing
