// Forms: whatever the pieces they come in, the same fields and the same place of the file.
#include "s3/post/form.h"

#include "s3/post/object_fields.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;
using namespace millrace::s3;
using post::FormReader;

namespace {

std::string part(std::string_view name, std::string_view value) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" +
         std::string(value) + "\r\n";
}

std::string file(std::string_view disposition, std::string_view content) {
  return "--B\r\nContent-Disposition: form-data; " + std::string(disposition) +
         "\r\nContent-Type: text/plain\r\n\r\n" + std::string(content) + "\r\n--B--\r\n";
}

// Fed byte by byte.
std::string read(FormReader& reader, const std::string& body) {
  for (std::size_t size = 0; size <= body.size(); ++size) {
    const auto progress = reader.feed(std::string_view(body).substr(0, size));
    if (!progress) return std::string(code_text(progress.error().code));
    if (*progress == FormReader::Progress::file) return "file";
  }
  return "more";
}

std::string read(const std::string& body) {
  FormReader reader("B");
  return read(reader, body);
}

}  // namespace

TEST_CASE("form: fields, the file's name and the place of its content") {
  const std::string body = part("key", "a/${filename}") + part("x", "") +
                           part("y", "1\r\n--\r\n2") +
                           file("name=file; filename=\"C:\\dir\\n; \\\"q.txt\"", "content");
  FormReader reader("B");
  REQUIRE(read(reader, body) == "file");
  REQUIRE(reader.fields().size() == 3);
  CHECK(reader.find("key") == "a/${filename}");
  CHECK(reader.find("x") == "");
  CHECK(reader.find("y") == "1\r\n--\r\n2");
  CHECK_FALSE(reader.find("z"));
  CHECK(reader.file_name() == "\"q.txt");
  CHECK(body.substr(reader.content_at()).starts_with("content\r\n--B--"));
  CHECK(*post::key_of_form(reader) == "a/\"q.txt");
}

TEST_CASE("form: what is refused") {
  const std::string end = file("name=\"file\"; filename=\"f\"", "c");
  CHECK(read(part("key", "k") + end) == "file");
  CHECK(read(part("key", "k") + "--B--\r\n") == "IncorrectNumberOfFilesInPostRequest");
  const std::string begin = "--B\r\nContent-Disposition: form-data; ";
  for (const std::string& bad :
       {"x" + end, "\r\n" + end, "--B \r\n" + end, "--BB\r\n" + end, "--B\r\n\r\nv\r\n" + end,
        "--B\r\nname: value\r\n\r\nv\r\n" + end, begin + "name=\"\"\r\n\r\nv\r\n" + end,
        begin + "filename=\"f\"\r\n\r\nv\r\n" + end, begin + "name=\"a\r\n\r\nv\r\n" + end,
        begin + "name=\"a\"; name=\"b\"\r\n\r\nv\r\n" + end, begin + "name=a b\r\n\r\nv\r\n" + end,
        "--B\r\nContent-Disposition: x; name=\"a\"\r\n\r\nv\r\n" + end,
        part("a", "1") + part("A", "2") + end}) {
    CAPTURE(bad);
    CHECK(read(bad) == "MalformedPOSTRequest");
  }
}

TEST_CASE("form: the end of the file is found wherever it is cut") {
  const post::Delimiter delimiter("B");
  const std::string content = "a\r\n-\r\r\n--\r\n--b\r\n--B";
  const auto whole = delimiter.find(content);
  CHECK((whole.ended && whole.content == content.size() - 5));
  for (std::size_t size = 0; size < content.size(); ++size) {
    const auto found = delimiter.find(std::string_view(content).substr(0, size));
    CAPTURE(size);
    CHECK_FALSE(found.ended);
    CHECK(found.content + found.held == size);
    CHECK(content.substr(found.content, found.held) == delimiter.view().substr(0, found.held));
  }
}

TEST_CASE("form: the boundary of its type") {
  CHECK(post::form_boundary("multipart/form-data; boundary=a-b") == "a-b");
  CHECK(post::form_boundary("Multipart/Form-Data ; charset=x; BOUNDARY=\"a b\"") == "a b");
  for (const char* bad :
       {"", "text/plain; boundary=a", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data boundary=a",
        "multipart/form-data; boundary=\"a<b\"", "multipart/form-data; boundary=\"a"}) {
    CAPTURE(bad);
    CHECK_FALSE(post::form_boundary(bad));
  }
  CHECK_FALSE(post::form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
  CHECK(post::form_boundary("multipart/form-data; boundary=" + std::string(70, 'a')));
}

TEST_CASE("form: where a form leads to when it is done") {
  CHECK(post::redirect_target("http://x/y", "b", "k &", "e") ==
        "http://x/y?bucket=b&key=k%20%26&etag=%22e%22");
  CHECK(post::redirect_target("http://x/y?a#f", "b", "k", "e") ==
        "http://x/y?a&bucket=b&key=k&etag=%22e%22#f");
}
