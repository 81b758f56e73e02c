// Every parser of what strangers send, as a function of bytes that keeps its promises or ends the
// process: for libFuzzer (fuzzer.cpp, `tools/dev fuzz`), and for the short form among the unit
// tests (short_test.cpp). A target holds no state between its calls. Seeds are inputs to begin
// with.
#pragma once

#include <span>
#include <string_view>

namespace millrace::tests::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view input);
  std::span<const std::string_view> seeds;
};

// Each in the file of its name, NAME_fuzz.cpp.
extern const Target aws_chunked;
extern const Target claim;
extern const Target copy_source;
extern const Target http_chunked;
extern const Target http_head;
extern const Target keys;
extern const Target listing;
extern const Target metadata;
extern const Target policy;
extern const Target post_form;
extern const Target proxy;
extern const Target tags;
extern const Target xml_documents;

inline constexpr const Target* targets[] = {
    &aws_chunked, &claim,  &copy_source, &http_chunked, &http_head, &keys,          &listing,
    &metadata,    &policy, &post_form,   &proxy,        &tags,      &xml_documents,
};

// Ends the process by SIGABRT, which libFuzzer takes for a finding and doctest for a failure.
void require(bool condition, const char* what);

// Whether the view lies within the bytes, or is empty.
bool within(std::string_view view, std::string_view bytes);

// Takes the first byte off; 0 of nothing.
unsigned char take_byte(std::string_view& input);

// Takes the text before the next line end off, and the line end; all of it where there is none.
std::string_view take_line(std::string_view& input);

}  // namespace millrace::tests::fuzz
