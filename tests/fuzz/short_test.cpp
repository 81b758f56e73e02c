// Each fuzz target's seeds, and some thousands of inputs made from them: the same ones each time.
// `tools/dev fuzz` looks for new ones, by what they reach.
#include "tests/fuzz/targets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

using namespace millrace::tests::fuzz;

namespace {

constexpr int inputs_per_target = 1500;
// What means something to some parser.
constexpr std::string_view telling =
    "\r\n\t :;,=&?%+/.-_*\"'<>{}[]()\\#@!$|~0123456789abcdefABCDEFz";

std::string_view seed_of(const Target& target, std::mt19937_64& random) {
  return target.seeds[random() % target.seeds.size()];
}

void change(std::string& text, const Target& target, std::mt19937_64& random) {
  const std::size_t at = random() % (text.size() + 1);
  const std::size_t count = std::min<std::size_t>(random() % 16, text.size() - at);
  const std::string piece = text.substr(at, count);
  switch (random() % 7) {
    case 0: text.insert(at, 1, telling[random() % telling.size()]); break;
    case 1: text.insert(at, 1, static_cast<char>(random())); break;
    case 2: text.erase(at, count); break;
    case 3: text.insert(at, piece); break;
    case 4: text.resize(at); break;
    case 5: {
      const std::string_view other = seed_of(target, random);
      text += other.substr(random() % (other.size() + 1));
      break;
    }
    default:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
  }
}

// A copy of exactly its size, so that a sanitizer sees a read behind it.
void run(const Target& target, std::string_view input) {
  const auto copy = std::make_unique<char[]>(input.size());
  std::ranges::copy(input, copy.get());
  target.run({copy.get(), input.size()});
}

void check(const Target& target) {
  CAPTURE(target.name);
  std::mt19937_64 random(7);
  run(target, {});
  for (const std::string_view seed : target.seeds) run(target, seed);
  for (int i = 0; i < inputs_per_target; ++i) {
    std::string text(seed_of(target, random));
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      change(text, target, random);
    }
    CAPTURE(text);
    run(target, text);
  }
}

}  // namespace

TEST_CASE("fuzz targets hold for their seeds and for what is made of them") {
  for (const Target* target : targets) check(*target);
}
