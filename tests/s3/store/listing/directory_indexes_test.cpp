// Indexes of large directories: that they are reused, and that no change to the directory is ever
// missed by the next page, whether a watch shows it, or the directory's times do, or neither.
#include "s3/store/listing/directory_indexes.h"

#include "tests/s3/store/listing/listing_tree.h"
#include "tests/skip.h"

#include <sys/inotify.h>

#include <algorithm>
#include <fstream>

using namespace millrace;
using namespace millrace::tests;
using s3::store::DirectoryIndexes;

namespace {

std::string numbered(const char* before, unsigned number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
  return before + digits;
}

void fill(ListingTree& tree, unsigned count, const char* before = "key") {
  for (unsigned i = 0; i < count; ++i) REQUIRE(tree.put(numbered(before, i)));
}

void empty_file(const std::string& path) {
  REQUIRE(::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0);
}

engine::Task<> check_all(ListingTree& tree, DirectoryIndexes& indexes) {
  for (const char* delimiter : {"", "/"}) {
    const ListingTree::Asked asked{.delimiter = delimiter};
    const auto listed = co_await tree.list(indexes, asked);
    CHECK(listed.entries == tree.expected(asked).entries);
  }
}

}  // namespace

TEST_CASE("a large directory is read once and then followed") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard, {.small_names_max = 80});
    fill(tree, 100);
    co_await check_all(tree, indexes);
    CHECK(indexes.counters().scans == 1);
    CHECK(indexes.size() == 1);

    REQUIRE(tree.put("key000000+"));
    REQUIRE(tree.put("zzz"));
    REQUIRE(tree.put(std::string(300, 'l')));
    tree.remove("key000099");
    co_await check_all(tree, indexes);

    REQUIRE(tree.put("key000010/below"));  // an object becomes a directory, by an exchange
    REQUIRE(tree.put("key000011/"));
    co_await check_all(tree, indexes);
    tree.remove("key000010");  // its .mr.f
    tree.remove("key000011/");
    REQUIRE(tree.put("key000012/below"));
    REQUIRE(::unlink(tree.path("key000012/below").c_str()) == 0);
    tree.keys.erase("key000012/below");
    REQUIRE(::rename(tree.path("key000012/.mr.f").c_str(), tree.path(".mr.aside").c_str()) == 0);
    REQUIRE(::rmdir(tree.path("key000012").c_str()) == 0);
    REQUIRE(::rename(tree.path(".mr.aside").c_str(), tree.path("key000012").c_str()) == 0);
    co_await check_all(tree, indexes);

    REQUIRE(::rename(tree.path("key000020").c_str(), tree.path("key000021").c_str()) == 0);
    tree.remove("key000021");
    tree.keys.erase("key000020");
    co_await check_all(tree, indexes);
    CHECK(indexes.counters().scans == 1);
    CHECK(indexes.counters().events > 10);
    CHECK(indexes.counters().overflows == 0);
  });
}

TEST_CASE("many inserts and removals keep the order") {
  if (ring_kind().fake) return;  // nothing in it depends on the order of requests
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard, {.small_names_max = 10});
    fill(tree, 20);
    co_await check_all(tree, indexes);
    for (unsigned i = 0; i < 6000; ++i) REQUIRE(tree.put(numbered("key", (i * 7919) % 6000)));
    const ListingTree::Asked asked{.after = "key003000", .max_keys = 500};
    CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
    for (unsigned i = 0; i < 5990; ++i) tree.remove(numbered("key", (i * 7919) % 6000));
    co_await check_all(tree, indexes);
    CHECK(indexes.counters().scans == 1);
  });
}

TEST_CASE("a queue that overflows means a new scan") {
  if (ring_kind().fake) return;  // nothing in it depends on the order of requests
  unsigned queued = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queued;
  if (queued == 0 || queued > 200'000) MILLRACE_SKIP("the inotify queue is too long to fill");
  on_shard([&](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard);
    fill(tree, 600);
    co_await check_all(tree, indexes);
    for (unsigned i = 0; i < queued / 2 + 100; ++i) {
      const std::string name = tree.path("passing" + std::to_string(i % 2));
      empty_file(name);
      REQUIRE(::unlink(name.c_str()) == 0);
    }
    tree.remove("key000300");
    REQUIRE(tree.put("key000300+"));
    co_await check_all(tree, indexes);
    CHECK(indexes.counters().overflows == 1);
    CHECK(indexes.counters().scans == 2);
  });
}

TEST_CASE("a directory that is removed and made anew is another one") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard, {.small_names_max = 10});
    for (int turn = 0; turn < 3; ++turn) {
      fill(tree, 50, turn == 1 ? "d/other" : "d/key");
      const ListingTree::Asked asked{.prefix = "d/"};
      CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
      for (const auto& key : std::set<std::string>(tree.keys)) tree.remove(key);
      REQUIRE(::rmdir(tree.path("d").c_str()) == 0);
      CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
    }
    CHECK(indexes.size() <= 1);
  });
}

TEST_CASE("without watches the directory's times decide") {
  if (ring_kind().fake) return;  // virtual time is not the filesystem's
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree(false);
    DirectoryIndexes indexes(shard);
    fill(tree, 700);
    co_await check_all(tree, indexes);
    co_await check_all(tree, indexes);
    CHECK(indexes.counters().scans == 1);
    CHECK(indexes.counters().hits == 3);
    for (int turn = 0; turn < 5; ++turn) {
      tree.remove(numbered("key", static_cast<unsigned>(turn)));
      co_await check_all(tree, indexes);
      REQUIRE(tree.put(numbered("new", static_cast<unsigned>(turn))));
      co_await check_all(tree, indexes);
    }
    CHECK(indexes.counters().scans == 11);
    // Changed while it is scanned, or shortly before: nothing is kept of that.
    auto page = tree.list(indexes, {});
    REQUIRE(tree.put("zz-late"));
    (void)co_await std::move(page);
    co_await check_all(tree, indexes);
  });
}

TEST_CASE("pages that run together share one scan") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    DirectoryIndexes indexes(shard, {.small_names_max = 100});
    fill(tree, ring_kind().fake ? 300 : 3000);
    const ListingTree::Asked asked{.after = "key000200", .max_keys = 10};
    auto first = tree.list(indexes, asked);
    auto second = tree.list(indexes, asked);
    auto third = tree.list(indexes, {.prefix = "key00029"});
    CHECK((co_await std::move(first)) == tree.expected(asked));
    CHECK((co_await std::move(second)) == tree.expected(asked));
    CHECK((co_await std::move(third)) == tree.expected({.prefix = "key00029"}));
    CHECK(indexes.counters().scans == 1);
  });
}

TEST_CASE(
    "where other hosts change the directory an index is for those who asked before its scan") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree(false, true);
    DirectoryIndexes indexes(shard, {.small_names_max = 100});
    fill(tree, 300);
    const ListingTree::Asked asked{.after = "key000200", .max_keys = 10};
    CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
    CHECK((co_await tree.list(indexes, asked)) == tree.expected(asked));
    CHECK(indexes.counters().scans == 2);
    CHECK(indexes.counters().hits == 0);
    // The first has begun to read; the others wait for it, and then share another.
    auto first = tree.list(indexes, asked);
    auto second = tree.list(indexes, asked);
    auto third = tree.list(indexes, asked);
    CHECK((co_await std::move(first)) == tree.expected(asked));
    CHECK((co_await std::move(second)) == tree.expected(asked));
    CHECK((co_await std::move(third)) == tree.expected(asked));
    CHECK(indexes.counters().scans == 4);
    CHECK(indexes.counters().hits == 1);
  });
}

TEST_CASE("what stays is on the page whatever happens around it") {
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    for (const std::size_t small : {std::size_t{4}, std::size_t{512}}) {
      ListingTree tree;
      DirectoryIndexes indexes(shard, {.small_names_max = small});
      std::set<std::string> stay;
      for (unsigned i = 0; i < (ring_kind().fake ? 60U : 300U); ++i) {
        stay.insert(numbered("d", i / 10) + "/" + numbered("stay", i));
        REQUIRE(tree.put(numbered("d", i / 10) + "/" + numbered("stay", i)));
        REQUIRE(tree.put(numbered("d", i / 10) + "g/" + numbered("goes", i)));
        REQUIRE(tree.put(numbered("d", i / 10) + "/" + numbered("a-goes", i)));
      }
      tree.meanwhile = [](ListingTree& self, const std::string& key) {
        // Takes away what the walk is about to come to, and puts more behind and before it.
        const auto next = std::ranges::find_if(
            self.keys, [&](const auto& other) { return other > key && other.find("goes") < 20; });
        if (next != self.keys.end()) {
          const std::string gone = *next;
          self.remove(gone);
          ::rmdir(self.path(gone.substr(0, gone.find('/'))).c_str());
        }
        if (key.ends_with('5')) {
          // Its directory may be gone.
          ::close(::open(self.path(key + "-made").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
          empty_file(self.path("d000000/" + numbered("made", unsigned(key.back()))));
        }
      };
      std::string after;
      std::vector<std::string> seen;
      for (bool more = true; more;) {
        const auto page = co_await tree.list(indexes, {.after = after, .max_keys = 50});
        seen.insert(seen.end(), page.entries.begin(), page.entries.end());
        more = page.truncated;
        after = page.last;
      }
      CHECK(std::ranges::is_sorted(seen));
      CHECK(std::ranges::adjacent_find(seen) == seen.end());
      CHECK(std::ranges::includes(seen, stay));
    }
  });
}

TEST_CASE("a hundred thousand names: one scan, little memory, also in parts") {
  if (ring_kind().fake) return;  // nothing in it depends on the order of requests
  on_shard([](engine::Shard& shard) -> engine::Task<> {
    ListingTree tree;
    std::set<std::string> keys;
    for (unsigned i = 0; i < 100'000; ++i) {
      keys.insert(numbered("some-directory-", i));
      const int file =
          ::openat(tree.directory.fd(), ("bkt/" + numbered("some-directory-", i)).c_str(),
                   O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      REQUIRE(::close(file) == 0);
    }
    for (const std::size_t bytes_max : {std::size_t{256} << 20, std::size_t{1} << 20}) {
      DirectoryIndexes indexes(shard, {.bytes_max = bytes_max});
      std::size_t pages = 0;
      std::string after;
      auto expected = keys.begin();
      for (bool more = true; more; ++pages) {
        s3::ListParameters parameters;
        parameters.after = after;
        s3::Collector collector(parameters);
        const auto done = co_await s3::store::list_page(
            tree.options, indexes, tree.entries(), "bkt", parameters, collector,
            {.object =
                 [](void* context, const s3::store::ListedEntry& entry) {
                   auto& at = *static_cast<std::set<std::string>::iterator*>(context);
                   if (*at == entry.key) ++at;
                 },
             .common_prefix = [](void*, std::string_view) {},
             .context = &expected});
        REQUIRE(done.has_value());
        more = collector.truncated();
        after = collector.last();
      }
      CHECK((expected == keys.end()));
      CHECK(pages == 100);
      CHECK(indexes.bytes() <= 6'400'000);
      CHECK(indexes.bytes() <= bytes_max);
      CHECK(indexes.counters().scans <= (bytes_max > (1U << 20) ? 1 : 30));
    }
  });
}
