// Documents by generation: conflicts, torn and foreign files, sweeping.
#include "health/cluster/documents.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <filesystem>
#include <latch>
#include <thread>
#include <vector>

using namespace millrace;
using namespace millrace::health::cluster;
using Publication = DocumentStore::Publication;

namespace {

DocumentStore store_in(const tools::TemporaryDirectory& folder) {
  return {engine::Descriptor(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
          folder.path()};
}

Document numbered(std::uint64_t generation) {
  return {.generation = generation, .body = "{\"n\":" + std::to_string(generation) + "}"};
}

}  // namespace

TEST_CASE("documents: the text comes back, and nothing else is taken for it") {
  const std::string text = document_text("cluster", numbered(7));
  REQUIRE(parse_document(text, "cluster", 7).has_value());
  CHECK(parse_document(text, "cluster", 7)->body == "{\"n\":7}");
  CHECK(parse_document(text, "cluster", 8).error().contains("another document"));
  CHECK(parse_document(text, "secrets", 7).error().contains("another document"));
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    CHECK_FALSE(parse_document(text.substr(0, length), "cluster", 7).has_value());
  }
  std::string changed = text;
  changed.replace(changed.find("\"n\": 7"), 6, "\"n\": 8");
  CHECK(parse_document(changed, "cluster", 7).error().contains("digest"));
  std::string newer = text;
  newer.replace(newer.find("\"schema\": 1"), 11, "\"schema\": 2");
  CHECK(parse_document(newer, "cluster", 7).error().contains("newer version"));
  CHECK_FALSE(parse_document("[]", "cluster", 7).has_value());
  CHECK_FALSE(
      parse_document("{\"schema\": -1, \"document\": \"cluster\"}", "cluster", 7).has_value());
}

TEST_CASE("documents: the second of two administrators is told so") {
  const tools::TemporaryDirectory folder;
  DocumentStore first = store_in(folder);
  DocumentStore second = store_in(folder);
  CHECK_FALSE(first.read("cluster")->newest.has_value());
  CHECK(*first.publish("cluster", numbered(1), 0600) == Publication::done);
  CHECK(*second.publish("cluster", numbered(1), 0600) == Publication::conflict);
  CHECK(*second.publish("cluster", numbered(2), 0600) == Publication::done);
  CHECK(*first.publish("cluster", numbered(1), 0600) == Publication::conflict);
  CHECK(*first.is_superseded("cluster", 1));
  CHECK_FALSE(*first.is_superseded("cluster", 2));
  CHECK(first.read("cluster")->newest->body == "{\"n\":2}");
  CHECK_FALSE(first.read("clust")->newest.has_value());
}

TEST_CASE("documents: of many who race for a generation, one wins") {
  const tools::TemporaryDirectory folder;
  constexpr int racers = 8;
  for (std::uint64_t generation = 1; generation <= 10; ++generation) {
    std::atomic<int> done{0};
    std::atomic<int> conflicts{0};
    std::latch start(racers);
    std::vector<std::jthread> threads;
    for (int i = 0; i < racers; ++i) {
      threads.emplace_back([&] {
        DocumentStore store = store_in(folder);
        start.arrive_and_wait();
        const auto published = store.publish("cluster", numbered(generation), 0600);
        if (published && *published == Publication::done) ++done;
        if (published && *published == Publication::conflict) ++conflicts;
      });
    }
    threads.clear();
    CHECK(done == 1);
    CHECK(conflicts == racers - 1);
  }
}

TEST_CASE("documents: old generations are swept, and what they were can't come back") {
  const tools::TemporaryDirectory folder;
  DocumentStore store = store_in(folder);
  for (std::uint64_t generation = 1; generation <= 10; ++generation) {
    REQUIRE(*store.publish("cluster", numbered(generation), 0600) == Publication::done);
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(entry.path().filename().string().starts_with("cluster."));
    ++files;
  }
  CHECK(files == generations_kept + 1);
  // Swept, so free; but older than what there is.
  CHECK(*store.publish("cluster", numbered(3), 0600) == Publication::conflict);
  REQUIRE(store.remove("cluster").has_value());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("documents: a torn or newer one is told, and the last good one holds") {
  const tools::TemporaryDirectory folder;
  DocumentStore store = store_in(folder);
  REQUIRE(*store.publish("cluster", numbered(1), 0600) == Publication::done);
  folder.write("cluster.2", document_text("cluster", numbered(2)).substr(0, 40));
  const std::string newer = R"({"document": "cluster", "generation": 3, "schema": 99})";
  folder.write("cluster.3", newer);
  const auto reading = store.read("cluster");
  REQUIRE(reading.has_value());
  CHECK(reading->newest->generation == 1);
  REQUIRE(reading->faults.size() == 2);
  CHECK(reading->faults[0].path == folder / "cluster.3");
  CHECK(reading->faults[0].why.contains("newer version"));
  CHECK(reading->faults[1].path == folder / "cluster.2");
  CHECK(reading->faults[1].why.contains("torn"));
  // Nobody publishes over what he could not read.
  CHECK(*store.publish("cluster", numbered(2), 0600) == Publication::conflict);
}
