// Parameters and tokens of ListObjects, and the collector against a naive model of S3's rules.
#include "s3/listing.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace millrace::s3;

namespace {

struct Parsed {
  std::array<char, 4096> buffer;
  DecodeArena arena{buffer};
};

// The views point into the query's text.
Outcome<ListParameters> parse(ListVersion version, std::string_view query, DecodeArena& arena) {
  return parse_list_parameters(version, query, arena);
}

ErrorCode parse_error(ListVersion version, std::string_view query) {
  Parsed parsed;
  const auto list = parse(version, query, parsed.arena);
  REQUIRE_FALSE(list.has_value());
  return list.error().code;
}

struct Page {
  std::vector<std::string> entries;  // keys as they are, common prefixes with a leading '>'
  bool truncated = false;
  std::string last;
  bool operator==(const Page&) const = default;
};

// The rules spelled out without any cleverness: filter, roll up, cut.
Page naive(const std::set<std::string>& keys, const ListParameters& list) {
  Page page;
  for (const std::string& key : keys) {
    if (key <= list.after || !key.starts_with(list.prefix)) continue;
    std::string entry = key;
    std::string name = key;
    if (!list.delimiter.empty()) {
      const auto at = key.find(list.delimiter, list.prefix.size());
      if (at != std::string::npos) {
        name = key.substr(0, at + list.delimiter.size());
        if (list.after.starts_with(name)) continue;
        entry = ">" + name;
      }
    }
    if (!page.entries.empty() && page.entries.back() == entry) continue;
    if (page.entries.size() == list.max_keys) {
      page.truncated = list.max_keys > 0;
      break;
    }
    page.entries.push_back(entry);
    page.last = name;
  }
  return page;
}

// Feeds as a store does: seeks to next_wanted() when `seeks`, else offers every key in turn.
Page collect(const std::set<std::string>& keys, const ListParameters& list, bool seeks) {
  Page page;
  Collector collector(list);
  auto key = keys.begin();
  while (!collector.finished()) {
    if (seeks) key = keys.lower_bound(std::string(collector.next_wanted()));
    if (key == keys.end()) break;
    const Decision decision = collector.offer(*key);
    if (decision == Decision::done) break;
    if (decision == Decision::emit) page.entries.push_back(*key);
    if (decision == Decision::common_prefix) {
      page.entries.push_back(">" + std::string(collector.common_prefix()));
    }
    if (seeks) {
      CHECK(decision != Decision::skip);  // a seek lands on nothing useless
    } else {
      ++key;
    }
  }
  CHECK(collector.count() == page.entries.size());
  page.truncated = collector.truncated();
  page.last = collector.last();
  return page;
}

std::string random_text(std::mt19937& random, std::size_t length_max) {
  constexpr std::string_view alphabet("a/b\0-\xff", 6);
  std::string text(random() % (length_max + 1), 'a');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

}  // namespace

TEST_CASE("parameters of version 1") {
  Parsed parsed;
  const auto list = parse(
      ListVersion::v1, "prefix=a%2Fb+c&delimiter=%2F&marker=a%2Fb+d&max-keys=7&encoding-type=url",
      parsed.arena);
  REQUIRE(list.has_value());
  CHECK(list->prefix == "a/b c");
  CHECK(list->delimiter == "/");
  CHECK(list->marker == "a/b d");
  CHECK(list->after == "a/b d");
  CHECK(list->max_keys == 7);
  CHECK(list->encode_url);
  CHECK(list->fetch_owner);
}

TEST_CASE("parameters of version 2") {
  Parsed parsed;
  const auto list =
      parse(ListVersion::v2, "list-type=2&start-after=s%20&marker=ignored&fetch-owner=true",
            parsed.arena);
  REQUIRE(list.has_value());
  CHECK(list->start_after == "s ");
  CHECK(list->after == "s ");
  CHECK(list->marker.empty());
  CHECK(list->max_keys == 1000);
  CHECK(list->fetch_owner);
  CHECK_FALSE(list->has_token);

  std::string token;
  append_token(token, "k/l");
  Parsed other;
  const std::string query = "start-after=zzz&continuation-token=" + token;
  const auto resumed = parse(ListVersion::v2, query, other.arena);
  REQUIRE(resumed.has_value());
  CHECK(resumed->after == "k/l");
  CHECK(resumed->continuation_token == token);
  CHECK_FALSE(resumed->fetch_owner);

  Parsed third;
  const auto first = parse(ListVersion::v2, "continuation-token=", third.arena);
  REQUIRE(first.has_value());
  CHECK(first->has_token);
  CHECK(first->after.empty());
}

TEST_CASE("max-keys") {
  const auto max_keys = [](std::string_view query) {
    Parsed parsed;
    return parse(ListVersion::v1, query, parsed.arena).value().max_keys;
  };
  CHECK(max_keys("max-keys=0") == 0);
  CHECK(max_keys("max-keys=1000") == 1000);
  CHECK(max_keys("max-keys=1001") == 1000);
  CHECK(max_keys("max-keys=2147483647") == 1000);
  CHECK(max_keys("max-keys=") == 1000);
  for (const char* bad : {"max-keys=-1", "max-keys=abc", "max-keys=2147483648", "max-keys=1+",
                          "max-keys=99999999999999999999"}) {
    CAPTURE(bad);
    CHECK(parse_error(ListVersion::v1, bad) == ErrorCode::invalid_argument);
  }
}

TEST_CASE("refused parameters") {
  CHECK(parse_error(ListVersion::v1, "encoding-type=xml") == ErrorCode::invalid_argument);
  CHECK(parse_error(ListVersion::v1, "prefix=%zz") == ErrorCode::invalid_uri);
  CHECK(parse_error(ListVersion::v2, "continuation-token=foreign") == ErrorCode::invalid_argument);
}

TEST_CASE("tokens come back as they were, and nothing else decodes") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::string last = "k" + random_text(random, 40);
    std::string token;
    append_token(token, last);
    CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_") == std::string::npos);
    std::string decoded;
    REQUIRE(decode_token(token, decoded).has_value());
    CHECK(decoded == last);
    // Any one character changed, dropped or added.
    const std::size_t at = random() % token.size();
    std::string broken = token;
    broken[at] = broken[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(decode_token(broken, decoded).has_value());
    CHECK_FALSE(decode_token(token.substr(1), decoded).has_value());
    CHECK_FALSE(decode_token(token.substr(0, token.size() - 1), decoded).has_value());
    CHECK_FALSE(decode_token(token + "A", decoded).has_value());
    CHECK_FALSE(decode_token(token + "=", decoded).has_value());
  }
  std::string decoded;
  for (const char* bad : {"", "AQ", "AAAAAAAA", "!!!!", "a b"}) {
    CHECK_FALSE(decode_token(bad, decoded).has_value());
  }
}

TEST_CASE("the end of a prefix") {
  const auto past = [](std::string prefix) {
    return advance_past_prefix(prefix) ? prefix : "none";
  };
  CHECK(past("a/") == "a0");
  CHECK(past("a\xff") == "b");
  CHECK(past("\xff\xff") == "none");
  CHECK(past("") == "none");
}

TEST_CASE("S3 order and a common prefix in its middle") {
  const std::set<std::string> keys = {"obj", "obj+", "obj/1", "obj/2", "obj1"};
  ListParameters list;
  list.delimiter = "/";
  const Page page = collect(keys, list, true);
  CHECK(page.entries == std::vector<std::string>{"obj", "obj+", ">obj/", "obj1"});
  CHECK_FALSE(page.truncated);
}

TEST_CASE("a page that is exactly full is not truncated, and max-keys=0 is empty") {
  const std::set<std::string> keys = {"a", "b/1", "b/2"};
  ListParameters list;
  list.delimiter = "/";
  list.max_keys = 2;
  CHECK_FALSE(collect(keys, list, true).truncated);
  list.max_keys = 1;
  CHECK(collect(keys, list, true).truncated);
  list.max_keys = 0;
  const Page none = collect(keys, list, true);
  CHECK(none.entries.empty());
  CHECK_FALSE(none.truncated);
}

TEST_CASE("the collector equals the naive model, and its pages together equal the whole") {
  std::mt19937 random(20260101);
  const std::array<std::string, 6> delimiters = {"", "/", "a", "//", "/b", "\xff"};
  for (int round = 0; round < 4000; ++round) {
    std::set<std::string> keys;
    for (std::size_t i = random() % 25; i > 0; --i) keys.insert("a" + random_text(random, 5));
    for (std::size_t i = random() % 10; i > 0; --i) keys.insert(random_text(random, 6));
    keys.erase("");
    const std::string prefix = random() % 2 == 0 ? "" : random_text(random, 3);
    const std::string after = random() % 2 == 0 ? "" : random_text(random, 5);
    const std::string& delimiter = delimiters[random() % delimiters.size()];
    ListParameters list;
    list.prefix = prefix;
    list.delimiter = delimiter;
    list.after = after;
    list.max_keys = 1 + random() % 6;
    CAPTURE(round);
    const Page expected = naive(keys, list);
    REQUIRE(collect(keys, list, true) == expected);
    REQUIRE(collect(keys, list, false) == expected);

    ListParameters unbounded = list;
    unbounded.max_keys = 1000;
    const Page whole = naive(keys, unbounded);
    std::vector<std::string> joined;
    std::string position = after;
    for (bool more = true; more;) {
      list.after = position;
      const Page page = collect(keys, list, true);
      joined.insert(joined.end(), page.entries.begin(), page.entries.end());
      more = page.truncated;
      if (more) position = page.last;
      REQUIRE(joined.size() <= whole.entries.size());
    }
    REQUIRE(joined == whole.entries);
  }
}
