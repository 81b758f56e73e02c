// libFuzzer over one target: fuzz --target=NAME [what libFuzzer takes]. With --seeds=FOLDER it only
// writes the target's seeds there, and with --list the targets' names.
#include "tests/fuzz/targets.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

using millrace::tests::fuzz::Target;
using millrace::tests::fuzz::targets;

const Target* chosen = nullptr;

// libFuzzer itself ignores what begins with two dashes.
std::string_view option(int count, char** arguments, std::string_view name) {
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument.starts_with(name)) return argument.substr(name.size());
  }
  return {};
}

void write_seeds(const Target& target, const std::string& folder) {
  std::size_t number = 0;
  for (const std::string_view seed : target.seeds) {
    std::ofstream(folder + "/seed-" + std::to_string(number++), std::ios::binary) << seed;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count == 2 && std::string_view((*arguments)[1]) == "--list") {
    for (const Target* target : targets) std::printf("%s\n", std::string(target->name).c_str());
    std::exit(0);
  }
  const std::string_view wanted = option(*count, *arguments, "--target=");
  for (const Target* target : targets) {
    if (target->name == wanted) chosen = target;
  }
  if (chosen == nullptr) {
    std::fprintf(stderr, "no such target; --list names them\n");
    std::exit(2);
  }
  const std::string folder(option(*count, *arguments, "--seeds="));
  if (!folder.empty()) {
    write_seeds(*chosen, folder);
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Exactly so many bytes on the heap, so that the sanitizer sees the first one behind them;
  // libFuzzer gives no address for none.
  chosen->run({size == 0 ? "" : reinterpret_cast<const char*>(data), size});
  return 0;
}
