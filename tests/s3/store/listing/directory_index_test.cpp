// The order of a directory's entries, against std::set of what the keys are.
#include "s3/store/listing/directory_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace millrace::s3::store;

namespace {

std::vector<std::string> texts(const DirectoryIndex& index) {
  std::vector<std::string> all;
  for (auto at = index.seek(""); !index.at_end(at); at = index.after(at)) {
    const auto entry = index.entry(at);
    all.push_back(std::string(entry.text) + (entry.kind == EntryKind::directory ? "/" : ""));
  }
  return all;
}

std::vector<std::string> in_order(std::vector<std::string> expected) {
  std::ranges::sort(expected);
  return expected;
}

}  // namespace

TEST_CASE("what names are to an index") {
  CHECK(entry_kind("a", false, false) == EntryKind::object);
  CHECK(entry_kind("a", true, false) == EntryKind::directory);
  CHECK(entry_kind(".mr.0", false, false) == EntryKind::object);
  CHECK(!entry_kind(".mr.f", false, false));
  CHECK(!entry_kind(".mr.sys", true, false));
  CHECK(!entry_kind(".mr.x", false, false));
  CHECK(!entry_kind("\xff", false, false));
  CHECK(!entry_kind("a", false, true));
  CHECK(!entry_kind(".mr.z.a", false, false));
  CHECK(entry_kind(".mr.z.a", false, true) == EntryKind::object);
  CHECK(!entry_kind(".mr.l.a", true, false));
  CHECK(entry_kind(".mr.l." + std::string(249, 'a'), true, false) == EntryKind::chain);
  CHECK(!entry_kind(".mr.l." + std::string(249, 'a'), false, false));
  CHECK(entry_text(".mr.0", false) == "");
  CHECK(entry_text(".mr.1", false) == ".");
  CHECK(entry_text(".mr.2", false) == "..");
  CHECK(entry_text(".mr.e..mr.x", false) == ".mr.x");
  CHECK(entry_text(".mr.l..mr.e..mr.x", false) == ".mr.x");
  CHECK(entry_text(".mr.l..mr.e..mr.x", true) == ".mr.e..mr.x");
}

TEST_CASE("directories sort as their names with a slash") {
  DirectoryIndex index(false);
  index.add("obj1", EntryKind::object);
  index.add("obj", EntryKind::directory);
  index.add("obj+", EntryKind::object);
  index.add(".mr.0", EntryKind::directory);
  index.add(".mr.e..mr.x", EntryKind::object);
  index.sort();
  CHECK(texts(index) == std::vector<std::string>{"", ".mr.x", "/", "obj", "obj+", "obj/", "obj1"});
  CHECK(index.entry(index.seek("obj/")).kind == EntryKind::directory);
  CHECK(index.entry(index.seek("obj")).kind == EntryKind::directory_object);
  CHECK(index.entry(index.seek(std::string_view("obj\0", 4))).text == "obj+");
  CHECK(index.at_end(index.seek("obj10")));
}

TEST_CASE("inserted or sorted, the order is the same; removed is gone") {
  std::mt19937 random(3);
  const std::string alphabet = "ab+-0.";
  for (int round = 0; round < 20; ++round) {
    DirectoryIndex index(false);
    std::set<std::pair<std::string, EntryKind>> names;
    const auto any = [&] {
      std::string name;
      for (auto length = 1 + random() % (round < 10 ? 4 : 14); length > 0; --length) {
        name += alphabet[random() % alphabet.size()];
      }
      if (name == "." || name == "..") name += "a";
      const auto kind = random() % 3 == 0 ? EntryKind::directory : EntryKind::object;
      return std::pair(name, kind);
    };
    const auto expected = [&] {
      std::vector<std::string> all;
      for (const auto& [name, kind] : names) {
        all.push_back(name);
        if (kind == EntryKind::directory) all.push_back(name + "/");
      }
      return in_order(all);
    };
    for (int i = 0; i < 3000; ++i) {
      const auto added = any();
      if (names.insert(added).second) index.add(added.first, added.second);
    }
    index.sort();
    REQUIRE(texts(index) == expected());
    for (int i = 0; i < 6000; ++i) {
      const auto changed = any();
      if (random() % 3 != 0) {
        CHECK(index.insert(changed.first, changed.second) == names.insert(changed).second);
      } else {
        CHECK(index.remove(changed.first, changed.second) == (names.erase(changed) > 0));
      }
    }
    REQUIRE(texts(index) == expected());
    CHECK(index.size() == names.size());
  }
}

TEST_CASE("a part of a directory begins and ends where it says") {
  std::vector<std::string> whole;
  DirectoryIndex all(false);
  const auto each = [](auto add) {
    for (int i = 0; i < 500; ++i) {
      const std::string number = std::to_string(i);
      add(number, i % 3 == 0 ? EntryKind::directory : EntryKind::object);
      add(number + "+", EntryKind::object);
    }
  };
  each([&](const std::string& name, EntryKind kind) { all.add(name, kind); });
  all.sort();
  std::vector<std::string> joined;
  std::string from;
  int parts = 0;
  do {
    DirectoryIndex part(false);
    part.begin_at(from);
    each([&](const std::string& name, EntryKind kind) {
      part.add(name, kind);
      if (part.size() > 300) part.sort_and_halve();
    });
    part.sort();
    part.insert("250+", EntryKind::object);  // is there already, or is no business of this part
    for (auto at = part.seek(from); !part.at_end(at); at = part.after(at)) {
      const auto entry = part.entry(at);
      joined.push_back(std::string(entry.text) + (entry.kind == EntryKind::directory ? "/" : ""));
    }
    from = part.until();
    ++parts;
  } while (!from.empty());
  CHECK(parts > 3);
  CHECK(joined == texts(all));
}
