// Which endpoint a connection goes to, with one or all of them down.
#include "bench/load/endpoints.h"

#include <doctest/doctest.h>

using namespace millrace::bench;

TEST_CASE("endpoints: a failed one is left out, tried by one, and taken back") {
  EndpointChoice choice(3);
  CHECK(choice.choose(1, 0) == 1);
  CHECK(choice.failed(1, 0));
  CHECK_FALSE(choice.failed(1, 1));
  CHECK(choice.choose(1, 100) == 2);
  CHECK_FALSE(choice.usable(1, 100));
  const std::uint64_t later = EndpointChoice::retry_ns + 1;
  CHECK(choice.usable(1, later));
  CHECK(choice.choose(1, later) == 1);
  CHECK(choice.choose(1, later) == 2);  // while the first tries
  choice.reached(1);
  CHECK(choice.choose(1, later) == 1);
}

TEST_CASE("endpoints: none is left") {
  EndpointChoice choice(2);
  choice.failed(0, 0);
  CHECK(choice.choose(0, 5) == 1);
  choice.failed(1, 5);
  CHECK_FALSE(choice.choose(0, 10));
  CHECK(choice.choose(0, EndpointChoice::retry_ns) == 0);
}
