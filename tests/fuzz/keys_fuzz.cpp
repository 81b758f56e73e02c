// Fuzzes keys, as a request's path has them, and names, as a bucket's directories do: both ways of
// the one mapping. Properties: no crash; a key comes back from its path, and no path leaves the
// bucket; names that are taken for a key are the very names that the key is mapped to.
#include "s3/store/key.h"

#include "s3/store/names.h"
#include "tests/fuzz/targets.h"

#include <memory>
#include <optional>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3::store;

// The key of an object at this path, as a listing finds it; nothing where there is none.
std::optional<std::string> listed(std::string_view path) {
  const auto decoder = std::make_unique<NameDecoder>();
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view entry = path.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    const NameKind kind = last ? decoder->file(entry) : decoder->directory(entry);
    if (kind == NameKind::foreign || kind == NameKind::system) return std::nullopt;
    if (last) return std::string(decoder->key());
    path.remove_prefix(slash + 1);
  }
}

void check_key(const Key& key) {
  require(!key.view().empty() && key.view().size() <= key_bytes_max, "1 to 1,024 bytes");
  require(utf8_valid(key.view()) && key.view().find('\0') == std::string_view::npos, "text");
  const auto path = std::make_unique<MappedPath>();
  map(key, *path);
  for (std::size_t i = 0; i < path->names(); ++i) {
    const std::string_view name = path->name(i);
    require(!name.empty() && name.size() <= name_bytes_max, "a name that filesystems take");
    require(name != "." && name != ".." && name != system_name, "within the bucket");
    require(name.find('/') == std::string_view::npos, "one name");
  }
  require(listed(path->view()) == key.view(), "the key comes back");
  require(listed(std::string(path->view()) + "/.mr.f") == key.view(), "a directory's, too");
}

// What readdir gives: names of 1 to 255 bytes, none with a slash or a NUL, no dots.
bool is_path(std::string_view path) {
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == ".." || name.size() > name_bytes_max) return false;
    if (name.find('\0') != std::string_view::npos) return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

void check_names(std::string_view path) {
  if (!is_path(path)) return;
  const auto text = listed(path);
  if (!text) return;
  const auto key = Key::from_decoded(*text);
  require(key.has_value(), "a listed key is one");
  const auto mapped = std::make_unique<MappedPath>();
  map(*key, *mapped);
  require(path == mapped->view() || path == std::string(mapped->view()) + "/.mr.f",
          "its very path");
}

void run(std::string_view input) {
  if (const auto key = Key::parse(input)) check_key(*key);
  if (const auto key = Key::from_decoded(input)) {
    check_key(*key);
    const auto path = std::make_unique<MappedPath>();
    if (input.ends_with('/')) require(map_directory(input, *path), "a key's beginning");
  }
  check_names(input);
  static_cast<void>(bucket_name_valid(input));
}

constexpr std::string_view seeds[] = {
    "a/b%20c/%C3%BC+",
    "//a/./../.mr.f/.mr.e./.snap/.nfs1/",
    "a/.mr.0/.mr.1/.mr.2/.mr.f",
    ".mr.e..mr.x/.mr.e..snap",
    "my-bucket.name",
    ".mr.l."
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/.mr.z.aaaaaaaaaaaaaaaaaaaa"};

}  // namespace

const Target keys{.name = "keys", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
