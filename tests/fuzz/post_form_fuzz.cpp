// Fuzzes forms: any bytes, with the first one choosing the size of the pieces.
// Properties: no crash; fields lie within what was fed; pieces change nothing; the file's content
// is what stands before the first delimiter, however it is cut.
#include "s3/post/form.h"

#include "s3/post/object_fields.h"
#include "s3/post/policy.h"
#include "tests/fuzz/targets.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

struct Seen {
  std::string state;
  std::string fields;
  std::size_t content_at = 0;
  bool operator==(const Seen&) const = default;
};

Seen read(std::string_view body, std::size_t piece_bytes) {
  post::FormReader reader("B");
  Seen seen{.state = "more"};
  for (std::size_t size = 0;;) {
    size = std::min(size + piece_bytes, body.size());
    const auto progress = reader.feed(body.substr(0, size));
    if (!progress) {
      seen.state = code_text(progress.error().code);
      return seen;
    }
    if (*progress == post::FormReader::Progress::file) break;
    if (size == body.size()) return seen;
  }
  seen.state = "file";
  seen.content_at = reader.content_at();
  require(seen.content_at <= body.size(), "content within the body");
  for (const post::FormField& field : reader.fields()) {
    require(field.name.data() >= body.data() &&
                field.value.data() + field.value.size() <= body.data() + body.size(),
            "fields within the body");
    seen.fields.append(field.name).append("=").append(field.value).append("\n");
    std::ignore = post::parse_policy(field.value);
  }
  millrace::http::Head head;
  std::ignore = post::fields_as_head(reader, head);
  std::ignore = post::key_of_form(reader);
  return seen;
}

std::string content(std::string_view body, std::size_t piece_bytes, const post::Delimiter& end) {
  std::string all;
  std::string piece;
  for (std::size_t at = 0; at < body.size(); at += piece_bytes) {
    piece.append(body.substr(at, piece_bytes));
    const auto found = end.find(piece);
    require(found.ended || found.content + found.held == piece.size(), "nothing is lost");
    all.append(piece, 0, found.content);
    if (found.ended) return all;
    piece.assign(end.view().substr(0, found.held));
  }
  return all;
}

void run(std::string_view input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input.front());
  const std::size_t piece = 1 + first % 64;
  const std::string_view body = input.substr(1);
  const Seen whole = read(body, input.size());
  const Seen pieces = read(body, piece);
  require(whole == pieces, "pieces change nothing");
  const post::Delimiter delimiter("B");
  const std::string expected(body.substr(0, body.find(delimiter.view())));
  if (body.find(delimiter.view()) != std::string_view::npos) {
    require(content(body, piece, delimiter) == expected, "the content ends at the first delimiter");
  }
}

constexpr std::string_view seeds[] = {
    "\x07--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n--B\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\nContent-Type: "
    "text/plain\r\n"
    "\r\ncontent\r\n--B--\r\n",
    "\x3f--B\r\nContent-Disposition: form-data; "
    "name=\"policy\"\r\n\r\neyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMV"
    "QwMDowMDowMFoiLCJjb25kaXRpb25zIjpbXX0=\r\n--B\r\n"
    "Content-Disposition: form-data; name=file\r\n\r\n\r\n--B--"};

}  // namespace

const Target post_form{.name = "post_form", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
