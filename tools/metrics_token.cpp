// See metrics_token.h.
#include "tools/metrics_token.h"

#include "engine/descriptor.h"
#include "engine/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::tools {
namespace {

bool token_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || std::string_view("-._~+/=").contains(byte);
}

Allowed<> check_file(int fd, const std::string& path) {
  struct stat status = {};
  if (::fstat(fd, &status) < 0) return refuse_errno(path, errno, "look at the file");
  if (!S_ISREG(status.st_mode)) return refuse(path, "isn't a file", "name a file with the token");
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return refuse(path, fmt::format("belongs to user {}, not to {}", status.st_uid, ::geteuid()),
                  fmt::format("run `chown {} {}`", ::geteuid(), path));
  }
  if ((status.st_mode & 07177) != 0) {
    return refuse(path, fmt::format("has mode {:04o}", status.st_mode & 07777),
                  fmt::format("run `chmod 600 {}`", path));
  }
  return {};
}

}  // namespace

Allowed<std::string> load_metrics_token(const std::string& path) {
  if (path.empty()) return std::string();
  const engine::Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return refuse_errno(path, errno, "give --metrics-token-file a file that can be read");
  if (auto checked = check_file(file.get(), path); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  auto text = engine::read_small_file(file.get());
  if (!text) return refuse(path, engine::describe(text.error()), "look at the file");
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->size() < metrics_token_bytes_min || text->size() > metrics_token_bytes_max ||
      !std::ranges::all_of(*text, token_byte)) {
    return refuse(path, "holds no token",
                  fmt::format("write one line of {} to {} letters, digits and -._~+/= into it",
                              metrics_token_bytes_min, metrics_token_bytes_max));
  }
  return std::move(*text);
}

}  // namespace millrace::tools
