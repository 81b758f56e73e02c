// See exposition.h.
#include "health/exposition.h"

#include <fmt/format.h>

#include <iterator>

namespace millrace::health {

namespace {

std::string_view type_name(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::counter: return "counter";
    case Exposition::Type::gauge: return "gauge";
    case Exposition::Type::histogram: return "histogram";
  }
  return "untyped";
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

template <class... Arguments>
void append(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

double bound_seconds(std::size_t bucket) {
  return static_cast<double>(engine::Histogram::bound_us(bucket)) * 1e-6;
}

}  // namespace

void Exposition::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  append(out_, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type_name(type));
}

void Exposition::begin_sample(std::string_view suffix, Labels labels) {
  out_ += name_;
  out_ += suffix;
  char before = '{';
  for (const Label& label : labels) {
    out_ += before;
    out_ += label.name;
    out_ += "=\"";
    append_escaped(out_, label.value);
    out_ += '"';
    before = ',';
  }
  if (before == ',') out_ += '}';
  out_ += ' ';
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  begin_sample("", labels);
  append(out_, "{}\n", value);
}

void Exposition::sample(Labels labels, double value) {
  begin_sample("", labels);
  append(out_, "{}\n", value);
}

void Exposition::histogram(Label label, std::span<const engine::StatusPage> pages,
                           std::size_t operation) {
  std::uint64_t cumulative = 0;
  std::uint64_t sum_us = 0;
  for (std::size_t bucket = 0; bucket <= engine::Histogram::bucket_count; ++bucket) {
    for (const auto& page : pages) cumulative += page.operations[operation].latency.count(bucket);
    const std::string bound = bucket < engine::Histogram::bucket_count
                                  ? fmt::format("{}", bound_seconds(bucket))
                                  : "+Inf";
    begin_sample("_bucket", {label, {"le", bound}});
    append(out_, "{}\n", cumulative);
  }
  for (const auto& page : pages) sum_us += page.operations[operation].latency.sum_us();
  begin_sample("_sum", {label});
  append(out_, "{}\n", static_cast<double>(sum_us) * 1e-6);
  begin_sample("_count", {label});
  append(out_, "{}\n", cumulative);
}

}  // namespace millrace::health
