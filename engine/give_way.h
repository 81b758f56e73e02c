// For a shard that is about to compute for long. Any thread.
#pragma once

namespace millrace::engine {

// Lets the threads run first that wait for this thread's processor: a shard shares its core with
// the workers of its ring, which would stand still while it computes, and with them the requests
// that wait for a write. Returns at once when there are none. Has no outcome, so it is no part of
// the seam to the kernel (ring.h).
void give_way();

}  // namespace millrace::engine
