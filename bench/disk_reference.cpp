// What the disk itself gives for strict PUTs: threads that create a file, write it, sync it,
// give it its name and sync the directory, with nothing of a server around it. Standalone.
// Usage: disk-reference DIR THREADS SECONDS FILE_BYTES SYNC_DIRECTORY(0|1); prints one JSON line.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  std::string directory;
  Clock::time_point end;
  std::size_t file_bytes;
  bool sync_directory;
};

[[noreturn]] void die(const char* call) {
  std::perror(call);
  std::exit(1);
}

// As many names as the load has keys: later rounds replace what is there.
constexpr unsigned names_a_thread = 64;

void write_one(const Plan& plan, int directory, const std::string& name,
               const std::vector<char>& content) {
  const std::string temporary = name + ".new";
  const int file = ::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) die("openat");
  if (::write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    die("write");
  }
  if (::fsync(file) != 0) die("fsync");
  ::close(file);
  if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) die("renameat");
  if (plan.sync_directory && ::fsync(directory) != 0) die("fsync of the directory");
}

void work(const Plan& plan, unsigned index, std::atomic<std::uint64_t>& files) {
  const int directory = ::open(plan.directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (directory < 0) die("open");
  const std::vector<char> content(plan.file_bytes, 'x');
  for (unsigned i = 0; Clock::now() < plan.end; ++i) {
    write_one(plan, directory, std::to_string(index) + "-" + std::to_string(i % names_a_thread),
              content);
    ++files;
  }
  ::close(directory);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr, "usage: disk-reference DIR THREADS SECONDS FILE_BYTES SYNC_DIRECTORY\n");
    return 2;
  }
  const double seconds = std::atof(arguments[3]);
  const auto began = Clock::now();
  const Plan plan{.directory = arguments[1],
                  .end = began + std::chrono::milliseconds(static_cast<long>(seconds * 1000)),
                  .file_bytes = static_cast<std::size_t>(std::atol(arguments[4])),
                  .sync_directory = std::atoi(arguments[5]) != 0};
  std::atomic<std::uint64_t> files{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(arguments[2]); ++i) {
    threads.emplace_back(work, std::cref(plan), static_cast<unsigned>(i), std::ref(files));
  }
  for (std::thread& thread : threads) thread.join();
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf("{\"requests\":%llu,\"seconds\":%.6f}\n",
              static_cast<unsigned long long>(files.load()), took);
  return 0;
}
