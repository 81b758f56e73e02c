// Writes Prometheus' text format, version 0.0.4: families of samples, each with HELP and TYPE.
// Pure. Invariant: every sample stands below its family's header, and label values are escaped.
#pragma once

#include "engine/status_page.h"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace millrace::health {

class Exposition {
 public:
  struct Label {
    std::string_view name;
    std::string_view value;
  };
  using Labels = std::initializer_list<Label>;
  enum class Type : std::uint8_t { counter, gauge, histogram };

  explicit Exposition(std::string& out) : out_(out) {}

  // Begins a family. `name` must outlive it.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);

  // A histogram of seconds, summed over the same operation of all pages: cumulative buckets,
  // the sum and the count (which is the last bucket's, so that they agree).
  void histogram(Label label, std::span<const engine::StatusPage> pages, std::size_t operation);

 private:
  void begin_sample(std::string_view suffix, Labels labels);

  std::string& out_;
  std::string_view name_;
};

}  // namespace millrace::health
