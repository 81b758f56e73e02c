// Fuzzes the parameters of ListObjects: the first byte chooses the version, the rest is the query.
// Properties: no crash; a page has what the prefix and the place to go on from allow, in order, and
// no more than it may; a token that is taken names the place that it was made of.
#include "s3/listing.h"

#include "tests/fuzz/targets.h"

#include <string>
#include <vector>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

constexpr std::string_view keys_there[] = {
    "a", "a/", "a/b", "a/b/c", "a/d", "aa", "b//", "b//c", "b/\xff", "c", "\xc3\xbc/x", "\xff\xff"};

void check_page(const ListParameters& list) {
  require(list.max_keys <= list_keys_max, "at most 1,000");
  Collector collector(list);
  std::string last;
  std::uint32_t count = 0;
  for (const std::string_view key : keys_there) {
    if (collector.finished()) break;
    const Decision decision = collector.offer(key);
    if (decision == Decision::done) break;
    if (decision == Decision::skip) continue;
    ++count;
    const std::string_view shown = decision == Decision::emit ? key : collector.common_prefix();
    require(shown.starts_with(list.prefix) && key.starts_with(shown), "with the prefix");
    require(key > list.after && shown >= last, "in order, behind the place to go on from");
    last = shown;
  }
  require(count <= list.max_keys && count == collector.count(), "a page's worth");
}

void check_token(std::string_view token) {
  std::string last;
  if (!decode_token(token, last)) return;
  std::string made;
  append_token(made, last);
  std::string again;
  require(decode_token(made, again) && again == last, "the same place");
}

void run(std::string_view input) {
  const ListVersion version = take_byte(input) % 2 == 0 ? ListVersion::v1 : ListVersion::v2;
  std::vector<char> room(2 * input.size());
  DecodeArena arena(room);
  const QueryParameters query(input);
  if (const auto list = parse_list_parameters(version, query, arena)) check_page(*list);
  check_token(input);
}

constexpr std::string_view seeds[] = {
    "0prefix=a%2F&delimiter=/&marker=a%2Fb&max-keys=2&encoding-type=url",
    "1list-type=2&prefix=&start-after=a&max-keys=3&fetch-owner=true",
    "1list-type=2&continuation-token=AQAAAAAAAAAAYQ&delimiter=%2F%2F",
    "1list-type=2&delimiter=/&prefix=%FF&max-keys=1001"};

}  // namespace

const Target listing{.name = "listing", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
