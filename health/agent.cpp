// See agent.h. HAProxy's configuration manual, "agent-check": words parted by blanks; what is
// not named stays as it was.
#include "health/agent.h"

#include "engine/shard.h"
#include "engine/stream.h"
#include "health/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace millrace::health {

std::string_view agent_line(const View::Snapshot& view, std::span<char, 32> into) {
  if (view.reason == Reason::draining) return "drain\n";
  if (!view.ready()) return "down\n";
  const long weight = std::max(1L, std::lround((1.0 - score(view.load)) * 100.0));
  const auto end = fmt::format_to_n(into.data(), into.size(), "{}% up ready\n", weight);
  return {into.data(), end.size};
}

engine::Task<> serve_agent(engine::Descriptor socket, View::Snapshot view) {
  engine::Stream stream(std::move(socket));
  std::array<char, 32> text;
  const std::string_view line = agent_line(view, text);
  stream.arm_deadline(limits::agent_deadline_ms);
  const auto sent = co_await stream.send(std::as_bytes(std::span(line)));
  if (sent) {
    stream.shut_down_sending();
    // What the other side sends (agent-send) is read away: closing over it would reset the
    // connection and could take the line with it.
    std::size_t dropped = 0;
    while (dropped < limits::body_bytes_max) {
      const auto more = co_await stream.readable();
      if (!more || !*more) break;
      dropped += stream.available().size();
      stream.consume(stream.available().size());
    }
  }
  co_await stream.close();
}

}  // namespace millrace::health
