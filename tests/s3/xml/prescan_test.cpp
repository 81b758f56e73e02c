// What never reaches the XML parser.
#include "s3/xml/prescan.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace::s3::xml;

namespace {
bool ok(std::string_view document) {
  return acceptable(document, {.elements_max = 100});
}
}  // namespace

TEST_CASE("ordinary documents pass") {
  CHECK(ok("<a/>"));
  CHECK(ok("<a x='1' y=\"2>\"/>"));
  CHECK(ok("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b>t</b></a>\n"));
  CHECK(ok("<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x41;&#x10FFFF;&#x1;</a>"));
  CHECK(ok("<a>\t\r\n\xc3\xa9\xf0\x9f\x98\x80</a>"));
}

TEST_CASE("documents with what S3 never needs are refused") {
  for (const char* bad : {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
                          "<a><!-- c --></a>",
                          "<a><![CDATA[x]]></a>",
                          "<a><?pi x?></a>",
                          "<?xml-stylesheet href='x'?><a/>",
                          "<?xml version='1.0'?><?pi?><a/>",
                          "<a>&x;</a>",
                          "<a>&</a>",
                          "<a>& b;</a>",
                          "<a>&#0;</a>",
                          "<a>&#x0;</a>",
                          "<a>&#;</a>",
                          "<a>&#x;</a>",
                          "<a>&#xD800;</a>",
                          "<a>&#x110000;</a>",
                          "<a>&#4294967361;</a>",
                          "<a>&#-1;</a>",
                          "<a>&#00000000000065;</a>",
                          "<a>\x01</a>",
                          "<a>\xff</a>",
                          "<a>\xed\xa0\x80</a>",
                          "<a>\xc0\xaf</a>",
                          "<a>\xc3</a>",
                          "",
                          "   ",
                          "text",
                          "x<a/>",
                          "<a/>x",
                          "<a>",
                          "</a>",
                          "<a></a></a>",
                          "<a/><b/>",
                          "<a",
                          "<a b='>",
                          "<a><",
                          "<a></a b='c'>",
                          "<a <b/>></a>"}) {
    CAPTURE(bad);
    CHECK_FALSE(ok(bad));
  }
  CHECK_FALSE(ok(std::string_view("<a>\0</a>", 8)));
  CHECK_FALSE(ok(std::string_view("\xff\xfe<\0a\0/\0>\0", 10)));  // UTF-16
}

TEST_CASE("limits") {
  const auto nested = [](int depth) {
    std::string out;
    for (int i = 0; i < depth; ++i) out += "<a>";
    for (int i = 0; i < depth; ++i) out += "</a>";
    return out;
  };
  CHECK(ok(nested(8)));
  CHECK_FALSE(ok(nested(9)));
  std::string many = "<a>";
  for (int i = 0; i < 99; ++i) many += "<b/>";
  CHECK(ok(many + "</a>"));
  CHECK_FALSE(ok(many + "<b/></a>"));
  CHECK(ok("<a b='' c='' d='' e='' f='' g='' h='' i=''/>"));
  CHECK_FALSE(ok("<a b='' c='' d='' e='' f='' g='' h='' i='' j=''/>"));
}

TEST_CASE("the prolog") {
  CHECK(without_prolog("<?xml version='1.0'?><a/>") == "<a/>");
  CHECK(without_prolog("\xef\xbb\xbf<a/>") == "<a/>");
  CHECK(without_prolog("<?xmlx?><a/>") == "<?xmlx?><a/>");
  CHECK(without_prolog("<?xml ") == "<?xml ");
}
