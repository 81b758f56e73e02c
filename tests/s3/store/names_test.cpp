// The mapping of keys to paths: the table row by row, and as a property that it
// is a bijection whose every path stays below the bucket and out of .mr.sys.
#include "s3/store/names.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace millrace::s3::store;

namespace {

std::string mapped(std::string_view key) {
  const auto parsed = Key::from_decoded(key);
  REQUIRE(parsed.has_value());
  MappedPath path;
  map(*parsed, path);
  return std::string(path.view());
}

// Walks the names of a path as a listing would; empty if any is refused.
std::string decoded(std::string_view path) {
  NameDecoder decoder;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view entry = path.substr(0, slash);
    const NameKind kind =
        slash == std::string_view::npos ? decoder.file(entry) : decoder.directory(entry);
    if (kind == NameKind::foreign || kind == NameKind::system) return {};
    if (slash == std::string_view::npos) return std::string(decoder.key());
    path.remove_prefix(slash + 1);
  }
}

void check_key(const std::string& key) {
  CAPTURE(key);
  const std::string path = mapped(key);
  CAPTURE(path);
  CHECK(decoded(path) == key);
  CHECK(path.size() <= path_bytes_max);
  CHECK(utf8_valid(path));
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = std::string_view(path).substr(begin, end - begin);
    CHECK((name.size() >= 1 && name.size() <= name_bytes_max));
    CHECK((name != "." && name != ".." && name != system_name && name != file_of_directory_name));
    if (end == path.size()) break;
    begin = end + 1;
  }
  // The same key when its name is also a directory.
  CHECK(decoded(path + "/.mr.f") == key);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

// Keys that lean towards the mapping's edges.
std::string random_key(std::mt19937_64& random) {
  static const std::vector<std::string> pieces = {"/",
                                                  "/",
                                                  "/",
                                                  ".",
                                                  "..",
                                                  ".mr.",
                                                  ".mr.e.",
                                                  ".mr.l.",
                                                  ".mr.z.",
                                                  ".mr.f",
                                                  ".mr.sys",
                                                  ".mr.0",
                                                  ".nfs",
                                                  ".snap",
                                                  "a",
                                                  "b",
                                                  "\xC3\xA9",
                                                  "\xE2\x82\xAC",
                                                  "\xF0\x9F\x98\x80",
                                                  "\x01",
                                                  "\x7f",
                                                  " ",
                                                  std::string(120, 'x'),
                                                  std::string(249, 'y'),
                                                  std::string(255, 'z'),
                                                  repeat("\xE2\x82\xAC", 83)};
  std::string key;
  const std::size_t count = 1 + random() % 12;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& piece = pieces[random() % pieces.size()];
    if (key.size() + piece.size() > key_bytes_max) break;
    key += piece;
  }
  return key.empty() ? "k" : key;
}

}  // namespace

TEST_CASE("the mapping is the table") {
  CHECK(mapped("a/b/c") == "a/b/c");
  CHECK(mapped("a//b") == "a/.mr.0/b");
  CHECK(mapped("/a") == ".mr.0/a");
  CHECK(mapped("a/") == "a/.mr.0");
  CHECK(mapped("/") == ".mr.0/.mr.0");
  CHECK(mapped("../x/.") == ".mr.2/x/.mr.1");
  CHECK(mapped("...") == "...");
  CHECK(mapped(".mr.f") == ".mr.e..mr.f");
  CHECK(mapped(".mr.sys/bucket") == ".mr.e..mr.sys/bucket");
  CHECK(mapped(".mr.") == ".mr.e..mr.");
  CHECK(mapped(".mr") == ".mr");
  CHECK(mapped(".snap") == ".mr.e..snap");
  CHECK(mapped(".snapshot") == ".snapshot");
  CHECK(mapped(".nfs0001") == ".mr.e..nfs0001");
  CHECK(mapped(std::string(255, 'k')) == std::string(255, 'k'));
  CHECK(mapped(std::string(256, 'k')) ==
        ".mr.l." + std::string(249, 'k') + "/.mr.z." + std::string(7, 'k'));
  // The escape counts towards the length.
  CHECK(mapped(".mr." + std::string(245, 'k')) == ".mr.e..mr." + std::string(245, 'k'));
  CHECK(mapped(".mr." + std::string(246, 'k')) ==
        ".mr.l..mr.e..mr." + std::string(239, 'k') + "/.mr.z." + std::string(7, 'k'));
  // Cut before the code point that would cross the limit: 248 of 249 bytes.
  CHECK(mapped(repeat("\xF0\x9F\x98\x80", 64)) ==
        ".mr.l." + repeat("\xF0\x9F\x98\x80", 62) + "/.mr.z." + repeat("\xF0\x9F\x98\x80", 2));
}

TEST_CASE("nasty keys survive the way there and back") {
  std::vector<std::string> keys = {
      "a",       "a/b",         "a//b",  "../x",    "/",          "//",      "a/",
      "a/.",     "./..",        ".mr.f", "a/.mr.f", "a/.mr.f/b",  ".mr.sys", ".mr.sys/bucket",
      ".mr.e.a", ".mr.e..mr.f", ".snap", ".nfs",    "lost+found", "obj+",    "obj/",
      "obj1"};
  for (int c = 1; c < 0x20; ++c) keys.push_back("k" + std::string(1, static_cast<char>(c)) + "k");
  keys.push_back("\x7f");
  for (std::size_t size : {255, 256, 300, 498, 499, 505, 747, 1023, 1024}) {
    keys.push_back(std::string(size, 'n'));
    keys.push_back((".mr." + std::string(size, 'n')).substr(0, size));
    keys.push_back((".nfs" + std::string(size, 'n')).substr(0, size));
  }
  keys.push_back(repeat("\xF0\x9F\x98\x80", 256));
  keys.push_back(repeat("\xE2\x82\xAC", 341) + "a");
  keys.push_back("a" + repeat("\xE2\x82\xAC", 341));
  keys.push_back(repeat("/", 1024));
  keys.push_back(repeat("./", 512));
  keys.push_back(std::string(300, 'p') + "/" + std::string(300, 'q'));
  for (const std::string& key : keys) check_key(key);
}

TEST_CASE("random keys: a bijection, and no two keys share a path") {
  std::mt19937_64 random(20250101);
  std::map<std::string, std::string> key_of_path;
  for (int i = 0; i < 20000; ++i) {
    const std::string key = random_key(random);
    if (i < 4000) check_key(key);
    const auto [at, fresh] = key_of_path.emplace(mapped(key), key);
    if (!fresh) CHECK(at->second == key);
  }
  CHECK(key_of_path.size() > 10000);
}

TEST_CASE("random paths: what decodes is exactly what its key maps to") {
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int i = 0; i < 60000; ++i) {
    const std::string path = random_key(random);
    const std::string key = decoded(path);
    if (key.empty()) continue;
    ++accepted;
    const bool plain = mapped(key) == path;
    const bool file_of_directory = mapped(key) + "/.mr.f" == path;
    CAPTURE(path);
    CHECK((plain || file_of_directory));
  }
  CHECK(accepted > 1000);
}

TEST_CASE("names that no key maps to are foreign") {
  const auto kind = [](std::string_view entry) { return classify_name(entry).kind; };
  for (const std::string_view entry :
       {".mr.e.foo", ".mr.e.", ".mr.l.", ".mr.z.", ".mr.3", ".mr.", ".mr.00", ".mr.ff", ".mr.sysx",
        ".mr.e..snapshot", ".mr.e..", ".snap", ".nfs0", "\xFF", "\xC3", ".", "..", ""}) {
    CAPTURE(entry);
    CHECK(kind(entry) == NameKind::foreign);
  }
  CHECK(kind(".mr.sys") == NameKind::system);
  CHECK(kind(".mr.e..snap") == NameKind::escaped);
  CHECK(kind(std::string(256, 'a')) == NameKind::foreign);

  const std::string full = ".mr.l." + std::string(249, 'k');
  CHECK(decoded(".mr.z.abc").empty());             // fits one name
  CHECK(decoded(full + "/.mr.z.kkkkkk").empty());  // 255: still fits
  CHECK(decoded(full + "/.mr.z.kkkkkkk").size() == 256);
  CHECK(decoded(".mr.l." + std::string(248, 'k') + "/.mr.z.kkkkkkkk").empty());  // cut early
  CHECK(decoded(full + "/k").empty());
  CHECK(decoded(full + "/.mr.f").empty());
  CHECK(decoded(full).empty());  // a file inside no chain
  CHECK(decoded(".mr.l..mr.x" + std::string(244, 'k') + "/.mr.z.kkkkkkkkk").empty());
  CHECK(decoded(".mr.l..mr.e.k" + std::string(242, 'k') + "/.mr.z.kkkkkkkkkkk").empty());
  CHECK(decoded(".mr.f").empty());
  CHECK(decoded(".mr.0").empty());  // the empty key
  CHECK(decoded("a/.mr.sys").empty());
  CHECK(decoded(".mr.sys/bucket").empty());
  CHECK(decoded("a/.mr.f/b").empty());
}

TEST_CASE("a key longer than S3 allows is foreign, its whole-key directory is not") {
  const std::string deep = repeat("dddddddddddddddd/", 60);  // 1,020 bytes
  CHECK(decoded(deep + "kkkk").size() == 1024);
  CHECK(decoded(deep + "kkkkk").empty());
  CHECK(decoded(deep + "kkkk/.mr.f").size() == 1024);
  CHECK(decoded(deep + "kkkk/k").empty());
  CHECK(decoded(deep + "kkkk/.mr.0").empty());
}

TEST_CASE("the decoder steps back to a mark") {
  NameDecoder decoder;
  CHECK(decoder.directory("a") == NameKind::ordinary);
  const auto in_a = decoder.mark();
  CHECK(decoder.directory(".mr.l." + std::string(249, 'k')) == NameKind::chain_part);
  CHECK(decoder.in_chain());
  CHECK(decoder.file("x") == NameKind::foreign);
  CHECK(decoder.file(".mr.z.kkkkkkk") == NameKind::chain_end);
  CHECK(decoder.key() == "a/" + std::string(256, 'k'));
  decoder.restore(in_a);
  CHECK(decoder.file(".mr.f") == NameKind::file_of_directory);
  CHECK(decoder.key() == "a");
  decoder.restore(in_a);
  CHECK(decoder.file("b") == NameKind::ordinary);
  CHECK(decoder.key() == "a/b");
}

TEST_CASE("long paths split into hops that each fit PATH_MAX") {
  MappedPath path;
  map(*Key::from_decoded(repeat("/", 1024)), path);
  CHECK(path.names() == 1025);
  CHECK(path.view().size() == path_bytes_max);
  CHECK_FALSE(path.fits_one_hop());
  const std::string whole(path.view());
  std::string joined;
  std::size_t first = 0;
  while (first < path.names()) {
    const std::size_t last = path.hop_end(first);
    REQUIRE(last > first);
    const auto hop = path.cut(first, last);
    CHECK(std::string_view(hop.c_str()).size() <= hop_bytes_max);
    joined += (joined.empty() ? "" : "/") + std::string(hop.c_str());
    first = last;
  }
  CHECK(joined == whole);
  CHECK(path.view() == whole);

  map(*Key::from_decoded("a/b/c"), path);
  {
    const auto parent = path.cut(0, 2);
    CHECK(std::string_view(parent.c_str()) == "a/b");
  }
  CHECK(std::string_view(path.leaf()) == "c");
  CHECK(std::string_view(path.c_str()) == "a/b/c");
  CHECK(path.name(1) == "b");
  path.append_file_of_directory();
  CHECK(std::string_view(path.c_str()) == "a/b/c/.mr.f");
  path.remove_last();
  path.remove_last();
  CHECK(std::string_view(path.c_str()) == "a/b");
}

TEST_CASE("the directory of a listing's prefix") {
  MappedPath path;
  CHECK((map_directory("", path) && path.names() == 0));
  CHECK((map_directory("a/b/", path) && path.view() == "a/b"));
  CHECK((map_directory("/", path) && path.view() == ".mr.0"));
  CHECK_FALSE(map_directory("a", path));
  CHECK_FALSE(map_directory("\xFF/", path));
  CHECK_FALSE(map_directory(repeat("a/", 513), path));
}
