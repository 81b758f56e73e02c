// <CORSConfiguration>, both ways: as clients send it, and as it is kept and given back. Pure; owned
// by the request.
#pragma once

#include <span>
#include <string>

#include "s3/cors.h"
#include "s3/error.h"

namespace millrace::s3::xml {

// MalformedXML. The rules of AWS are check_cors().
Outcome<CorsConfiguration> parse_cors(std::span<char> body);

std::string cors_document(const CorsConfiguration& configuration);

}  // namespace millrace::s3::xml
