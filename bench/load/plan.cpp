// See plan.h.
#include "bench/load/plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::bench {
namespace {

constexpr std::uint64_t size_salt = 0x73697a65;  // so that sizes and keys don't go together
constexpr std::uint64_t plan_salt = 0x706c616e;
constexpr unsigned digest_steps = 1000;
constexpr std::uint64_t count_mask = (1ULL << 40) - 1;

bool only_deletes_what_is_prepared(const Mix& mix) {
  return mix.has(Operation::remove) && !mix.has(Operation::put);
}

}  // namespace

std::uint64_t object_bytes(const Settings& settings, std::uint64_t object) {
  const SizeRule& rule = settings.size;
  if (rule.kind == SizeRule::Kind::fixed) return rule.least;
  Random random(mix_numbers(mix_numbers(settings.seed, size_salt), object));
  if (rule.kind == SizeRule::Kind::uniform) {
    return rule.least + random.below(rule.most - rule.least + 1);
  }
  const double bytes = static_cast<double>(rule.least) * std::exp(rule.sigma * random.normal());
  if (bytes >= static_cast<double>(rule.most)) return rule.most;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(bytes));
}

std::string object_key(const Settings& settings, std::uint64_t object) {
  if (object < fresh_object) {
    return fmt::format("{}{:02}/object-{:05}", settings.prefix, object % settings.folders, object);
  }
  const std::uint64_t count = object & count_mask;
  const std::uint64_t stream = (object ^ fresh_object) >> 40;
  return fmt::format("{}{:02}/new-{:02}-{:07}", settings.prefix, count % settings.folders, stream,
                     count);
}

Plan::Plan(const Settings& settings, unsigned stream)
    : settings_(settings),
      stream_(stream),
      recycles_(settings.mix.has(Operation::remove) && settings.mix.has(Operation::put)),
      random_(mix_numbers(mix_numbers(settings.seed, plan_salt), stream)) {
  for (const std::uint32_t weight : settings.mix.weights) weight_sum_ += weight;
}

Operation Plan::choose() {
  std::uint64_t draw = random_.below(weight_sum_);
  std::size_t index = 0;
  while (draw >= settings_.mix.weights[index]) draw -= settings_.mix.weights[index++];
  return static_cast<Operation>(index);
}

Step Plan::fresh_put() {
  const std::uint64_t object = fresh_number(stream_, fresh_++);
  return {.operation = Operation::put, .object = object, .bytes = object_bytes(settings_, object)};
}

std::optional<Step> Plan::removal() {
  if (only_deletes_what_is_prepared(settings_.mix)) {
    const std::uint64_t object = stream_ + removed_ * settings_.streams();
    if (object >= settings_.objects) return std::nullopt;
    ++removed_;
    return Step{.operation = Operation::remove, .object = object};
  }
  if (removed_ == removable_.size()) return fresh_put();
  const std::uint64_t object = removable_[removed_++];
  if (removed_ > 4096 && removed_ * 2 > removable_.size()) {
    removable_.erase(removable_.begin(),
                     removable_.begin() + static_cast<std::ptrdiff_t>(removed_));
    removed_ = 0;
  }
  return Step{.operation = Operation::remove, .object = object};
}

std::optional<Step> Plan::next() {
  const Operation operation = choose();
  // Drawn for every step, so that what comes later does not depend on what this one is.
  const std::uint64_t object = random_.below(settings_.objects);
  const std::uint64_t place = random_.next();
  if (operation == Operation::remove) return removal();
  if (operation == Operation::put && recycles_) return fresh_put();
  Step step{.operation = operation, .object = object, .bytes = object_bytes(settings_, object)};
  if (operation == Operation::range) {
    const std::uint64_t bytes = std::min(step.bytes, settings_.range_bytes);
    step.offset = place % (step.bytes - bytes + 1);
    step.bytes = bytes;
  }
  return step;
}

void Plan::put_done(std::uint64_t object) {
  if (recycles_ && object >= fresh_object) removable_.push_back(object);
}

std::string plan_digest(const Settings& settings) {
  std::uint64_t digest = 0;
  for (unsigned stream = 0; stream < settings.streams(); ++stream) {
    Plan plan(settings, stream);
    for (unsigned i = 0; i < digest_steps; ++i) {
      const auto step = plan.next();
      if (!step) break;
      plan.put_done(step->object);
      digest = mix_numbers(digest, static_cast<std::uint64_t>(step->operation));
      digest = mix_numbers(digest, step->object);
      digest = mix_numbers(digest, step->offset);
      digest = mix_numbers(digest, step->bytes);
    }
  }
  for (const char c : settings.prefix) digest = mix_numbers(digest, static_cast<unsigned char>(c));
  return fmt::format("{:016x}", mix_numbers(digest, settings.folders));
}

}  // namespace millrace::bench
