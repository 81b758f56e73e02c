// Why a request is refused before anybody routes it. After a Reject the connection answers
// once with this status and closes: there is no resynchronising on the same connection.
#pragma once

#include <string_view>

namespace millrace::http {

struct Reject {
  int status = 400;         // 400, 413, 414, 417, 431, 501 or 505
  std::string_view reason;  // static text for logs; never holds bytes of the request

  constexpr bool operator==(const Reject&) const = default;
};

}  // namespace millrace::http
