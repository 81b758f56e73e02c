// Pages against a model worked out by hand, over keys that sort badly and trees with leftovers.
#include "s3/store/listing/list_page.h"

#include "s3/store/listing/any_object.h"
#include "tests/s3/store/listing/listing_tree.h"

#include <algorithm>
#include <random>

using namespace millrace;
using namespace millrace::tests;
using s3::store::DirectoryIndexes;
using s3::store::IndexLimits;

namespace {

std::string random_component(std::mt19937& random) {
  const std::string x(249, 'x');
  const std::vector<std::string> components = {"a",
                                               "b",
                                               "",
                                               "",
                                               ".",
                                               "..",
                                               ".mr.x",
                                               ".mr.f",
                                               ".mr.sys",
                                               ".mr.0",
                                               ".snap",
                                               ".nfs1",
                                               "a+",
                                               "a-",
                                               "a.",
                                               "a0",
                                               "a|b",
                                               "+",
                                               "0",
                                               "-",
                                               "\x01",
                                               "\x7f",
                                               "a\x01",
                                               "\xc3\xa9",
                                               "\xf0\x9f\x98\x80",
                                               x,
                                               x + "xxxxxx",
                                               x + "xxxxxxx",
                                               x + "!!!!!!!!",
                                               x + "x+",
                                               x + "zzzzzzzz",
                                               std::string(300, 'x'),
                                               std::string(600, 'x'),
                                               x + "\xc3\xa9" + x,
                                               x.substr(0, 246) +
                                                   "\xf0\x9f\x98\x80"
                                                   "aaaaaa",
                                               x.substr(0, 248),
                                               std::string(248, 'x') +
                                                   "\xc3\xa9"
                                                   "bbbbbb",
                                               x.substr(0, 246),
                                               ".mr." + std::string(300, 'q'),
                                               ".mr." + std::string(246, 'q'),
                                               ".nfs" + std::string(250, 'n'),
                                               "ab",
                                               "abc"};
  return components[random() % components.size()];
}

std::string random_key(std::mt19937& random) {
  std::string key = random_component(random);
  for (auto depth = random() % 4; depth > 0; --depth) key += "/" + random_component(random);
  return key;
}

std::string random_prefix(std::mt19937& random, const ListingTree& tree) {
  if (random() % 4 == 0 || tree.keys.empty()) return {};
  auto key = *std::next(tree.keys.begin(), static_cast<long>(random() % tree.keys.size()));
  key.resize(random() % 8 == 0 ? key.size() : random() % (key.size() + 1));
  if (random() % 10 == 0) key += "/";
  return key;
}

ListingTree::Asked random_question(std::mt19937& random, const ListingTree& tree) {
  static const std::vector<std::string> delimiters = {"",   "/", "/",  "/", "a",  "x",
                                                      "//", "+", "/a", "|", "xx", "mr."};
  static const std::vector<std::uint32_t> counts = {0, 1, 2, 3, 7, 40, 1000, 1000};
  ListingTree::Asked asked;
  asked.prefix = random_prefix(random, tree);
  asked.delimiter = delimiters[random() % delimiters.size()];
  if (random() % 2 == 0) asked.after = random_prefix(random, tree);
  asked.max_keys = counts[random() % counts.size()];
  return asked;
}

void check_random_trees(bool watched, const IndexLimits& limits) {
  on_shard([&](engine::Shard& shard) -> engine::Task<> {
    const unsigned trees = ring_kind().fake ? 1 : 12;
    for (unsigned seed = 0; seed < trees; ++seed) {
      std::mt19937 random(seed + 17);
      ListingTree tree(watched);
      DirectoryIndexes indexes(shard, limits);
      for (int i = 0; i < 90; ++i) tree.put(random_key(random));
      for (int i = 0; i < 120; ++i) {
        const auto asked = random_question(random, tree);
        CAPTURE(seed);
        CAPTURE(asked.prefix);
        CAPTURE(asked.delimiter);
        CAPTURE(asked.after);
        CAPTURE(asked.max_keys);
        const auto listed = co_await tree.list(indexes, asked);
        const auto expected = tree.expected(asked);
        CHECK(listed.entries == expected.entries);
        CHECK(listed.truncated == expected.truncated);
        if (!expected.entries.empty()) CHECK(listed.last == expected.last);
        if (listed != expected && !expected.entries.empty()) co_return;
        if (i % 3 != 0) continue;
        if (random() % 2 == 0) {
          tree.put(random_key(random));
        } else if (!tree.keys.empty()) {
          tree.remove(
              *std::next(tree.keys.begin(), static_cast<long>(random() % tree.keys.size())));
        }
      }
    }
  });
}

}  // namespace

TEST_CASE("pages of random trees: small directories") {
  check_random_trees(true, {});
}

TEST_CASE("pages of random trees: watched indexes") {
  check_random_trees(true, {.small_names_max = 1});
}

TEST_CASE("pages of random trees: indexes proved by times") {
  if (ring_kind().fake) return;  // virtual time is not the filesystem's
  check_random_trees(false, {.small_names_max = 4});
}

TEST_CASE("pages put together are the whole") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    std::mt19937 random(5);
    ListingTree tree;
    DirectoryIndexes indexes(shard, {.small_names_max = 3});
    for (int i = 0; i < (ring_kind().fake ? 30 : 150); ++i) tree.put(random_key(random));
    for (const char* delimiter : {"", "/", "x"}) {
      std::vector<std::string> entries;
      ListingTree::Asked asked{.prefix = "", .delimiter = delimiter, .after = "", .max_keys = 7};
      for (;;) {
        const auto page = co_await tree.list(indexes, asked);
        entries.insert(entries.end(), page.entries.begin(), page.entries.end());
        if (!page.truncated) break;
        CHECK(page.entries.size() == 7);
        asked.after = page.last;
      }
      CHECK(entries == tree.expected({.prefix = "", .delimiter = delimiter}).entries);
    }
  });
}

TEST_CASE("obj+ before obj/ before obj1, and an object that is a directory too") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard);
    for (const char* key : {"obj1", "obj/x", "obj+", "obj", "obj/"}) REQUIRE(tree.put(key));
    const auto all = co_await tree.list(indexes, {});
    CHECK(all.entries == std::vector<std::string>{"obj", "obj+", "obj/", "obj/x", "obj1"});
    const auto top = co_await tree.list(indexes, {.delimiter = "/"});
    CHECK(top.entries == std::vector<std::string>{"obj", "obj+", "PRE obj/", "obj1"});
  });
}

TEST_CASE("what is no object is not listed, nor are directories without any") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard);
    REQUIRE(tree.put("d/e/f/object"));
    REQUIRE(tree.put("gone/empty/object"));
    REQUIRE(tree.put("self"));
    REQUIRE(tree.put("self/below"));
    tree.remove("gone/empty/object");
    tree.remove("self/below");
    REQUIRE(::mkdir(tree.path(".mr.sys").c_str(), 0700) == 0);
    REQUIRE(::close(::open(tree.path(".mr.sys/staged").c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
    REQUIRE(::symlink("d", tree.path("link").c_str()) == 0);
    REQUIRE(::mkfifo(tree.path("fifo").c_str(), 0600) == 0);
    REQUIRE(::mkdir(tree.path("fifos").c_str(), 0700) == 0);
    REQUIRE(::mkfifo(tree.path("fifos/one").c_str(), 0600) == 0);
    REQUIRE(::mkdir(tree.path("bad\xff").c_str(), 0700) == 0);
    REQUIRE(::mkdir(tree.path(".mr.unknown").c_str(), 0700) == 0);
    for (const char* delimiter : {"", "/", "e", "i"}) {
      CAPTURE(delimiter);
      for (std::uint32_t count : {1U, 2U, 3U, 1000U}) {
        const ListingTree::Asked asked{.delimiter = delimiter, .max_keys = count};
        CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
      }
    }
    CHECK(*co_await s3::store::holds_object(tree.options, "bkt"));
    tree.remove("self");
    tree.remove("d/e/f/object");
    CHECK(!*co_await s3::store::holds_object(tree.options, "bkt"));
    CHECK((co_await tree.list(indexes, {.delimiter = "/"})).entries.empty());
    REQUIRE(tree.put("d/" + std::string(700, 'n')));
    CHECK(*co_await s3::store::holds_object(tree.options, "bkt"));
  });
}

TEST_CASE("deeper than PATH_MAX") {
  if (ring_kind().fake) return;  // a thousand levels with every seed take minutes
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard);
    const std::string slashes(1024, '/');
    REQUIRE(tree.put(slashes));
    REQUIRE(tree.put("a" + slashes.substr(1)));
    CHECK((co_await tree.list(indexes, {})).entries == tree.expected({}).entries);
    const ListingTree::Asked deep{.prefix = slashes.substr(4), .delimiter = "/"};
    CHECK((co_await tree.list(indexes, deep)).entries == tree.expected(deep).entries);
    CHECK(*co_await s3::store::holds_object(tree.options, "bkt"));
  });
}

TEST_CASE("no bucket, and prefixes that lead nowhere") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard);
    REQUIRE(tree.put("file"));
    for (const char* prefix : {"none/x", "file/x", "none", "\xff/", "fi\xff", "link/../x"}) {
      CAPTURE(prefix);
      CHECK((co_await tree.list(indexes, {.prefix = prefix})).entries.empty());
    }
    for (const char* prefix : {"", "a/b"}) {
      s3::ListParameters parameters;
      parameters.prefix = prefix;
      s3::Collector collector(parameters);
      const auto missing = co_await s3::store::list_page(tree.options, indexes, tree.entries(),
                                                         "other", parameters, collector, {});
      REQUIRE(!missing);
      CHECK(missing.error().is(ENOENT));
    }
    const auto held = co_await s3::store::holds_object(tree.options, "other");
    REQUIRE(!held);
    CHECK(held.error().is(ENOENT));
  });
}
