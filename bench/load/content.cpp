// See content.h.
#include "bench/load/content.h"

#include "bench/load/random.h"

#include <algorithm>
#include <cstring>

namespace millrace::bench {

Content::Content(std::uint64_t seed)
    : seed_(seed), block_(std::make_unique<std::byte[]>(2 * period_bytes)) {
  Random random(seed);
  for (std::size_t at = 0; at < period_bytes; at += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(block_.get() + at, &word, std::min<std::size_t>(8, period_bytes - at));
  }
  std::memcpy(block_.get() + period_bytes, block_.get(), period_bytes);
}

std::uint64_t Content::check_of(const ObjectName& name) const {
  return mix_numbers(mix_numbers(mix_numbers(seed_, name.object), name.bytes), name.version);
}

std::uint64_t Content::shift_of(const ObjectName& name) const {
  const bool versioned = stamped(name.bytes);
  return check_of({name.object, name.bytes, versioned ? name.version : 0}) % period_bytes;
}

std::array<std::byte, Content::stamp_bytes> Content::stamp(const ObjectName& name) const {
  const std::array<std::uint64_t, 2> words = {name.version, check_of(name)};
  std::array<std::byte, stamp_bytes> bytes;
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::span<const std::byte> Content::piece(const ObjectName& name, std::uint64_t at,
                                          std::uint64_t most) const {
  const auto begin = static_cast<std::size_t>((shift_of(name) + at) % period_bytes);
  const std::uint64_t together = std::min<std::uint64_t>(period_bytes, name.bytes - at);
  return {block_.get() + begin, static_cast<std::size_t>(std::min(together, most))};
}

void Content::copy(const ObjectName& name, std::uint64_t at, std::span<std::byte> into) const {
  if (stamped(name.bytes) && at < stamp_bytes) {
    const auto first = stamp(name);
    const std::size_t count = std::min<std::size_t>(stamp_bytes - at, into.size());
    std::memcpy(into.data(), first.data() + at, count);
    into = into.subspan(count);
    at += count;
  }
  while (!into.empty()) {
    const auto from = piece(name, at, into.size());
    std::memcpy(into.data(), from.data(), from.size());
    into = into.subspan(from.size());
    at += from.size();
  }
}

ContentCheck::ContentCheck(const Content& content, const ObjectName& name, std::uint64_t at,
                           std::uint64_t end, bool learns)
    : content_(&content), name_(name), at_(at), end_(end), learns_(learns) {}

ContentCheck ContentCheck::whole(const Content& content, std::uint64_t object,
                                 std::uint64_t bytes) {
  return {content, {object, bytes, 0}, 0, bytes, Content::stamped(bytes)};
}

ContentCheck ContentCheck::part(const Content& content, std::uint64_t object,
                                std::uint64_t object_bytes, std::uint64_t offset,
                                std::uint64_t bytes) {
  return {content, {object, object_bytes, 0}, offset, offset + bytes, false};
}

bool ContentCheck::learn_version() {
  std::memcpy(&name_.version, stamp_.data(), sizeof name_.version);
  return content_->stamp(name_) == stamp_;
}

void ContentCheck::take(std::span<const std::byte> received) {
  if (received.size() > end_ - at_) good_ = false;
  while (good_ && !received.empty()) {
    if (learns_ && at_ < Content::stamp_bytes) {
      const std::size_t count = std::min<std::size_t>(Content::stamp_bytes - at_, received.size());
      std::memcpy(stamp_.data() + at_, received.data(), count);
      received = received.subspan(count);
      at_ += count;
      if (at_ == Content::stamp_bytes) good_ = learn_version();
      continue;
    }
    std::array<std::byte, Content::stamp_bytes> first{};
    std::span<const std::byte> expected;
    if (Content::stamped(name_.bytes) && at_ < Content::stamp_bytes) {
      first = content_->stamp(name_);
      expected = std::span(first).subspan(static_cast<std::size_t>(at_));
    } else {
      expected = content_->piece(name_, at_, received.size());
    }
    const std::size_t count = std::min(expected.size(), received.size());
    good_ = std::memcmp(expected.data(), received.data(), count) == 0;
    received = received.subspan(count);
    at_ += count;
  }
}

}  // namespace millrace::bench
