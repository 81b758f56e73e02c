// HAProxy's agent check: whoever connects is told one line and the connection ends. Owned by the
// health shard.
#pragma once

#include "engine/descriptor.h"
#include "engine/task.h"
#include "health/view.h"

#include <span>
#include <string_view>

namespace millrace::health {

// "75% up ready\n" (the weight falls with the score, but never to 0), "drain\n" or "down\n".
// HAProxy keeps a state until told otherwise, so the good line takes back `drain` and `down`.
std::string_view agent_line(const View::Snapshot& view, std::span<char, 32> into);

// Serves one connection and closes it, within limits::agent_deadline_ms.
engine::Task<> serve_agent(engine::Descriptor socket, View::Snapshot view);

}  // namespace millrace::health
