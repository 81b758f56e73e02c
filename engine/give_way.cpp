// See give_way.h.
#include "engine/give_way.h"

#include <sched.h>

namespace millrace::engine {

void give_way() {
  ::sched_yield();
}

}  // namespace millrace::engine
