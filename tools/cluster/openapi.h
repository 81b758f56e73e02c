// The description of the REST interface, as GET /cluster/v1/openapi.json gives it: OpenAPI 3.0.3.
#pragma once

#include <string_view>

namespace millrace::tools {

inline constexpr std::string_view openapi_path = "/cluster/v1/openapi.json";
extern const std::string_view openapi_document;

}  // namespace millrace::tools
