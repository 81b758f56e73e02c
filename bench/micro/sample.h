// The requests that the micro-benchmarks work on: what an SDK sends, signed by the project's own
// client. Any thread; values. Invariant: `now` is the time of signing, so they never expire.
#pragma once

#include "http/head.h"
#include "s3/auth/credentials.h"
#include "s3/auth/sign.h"
#include "s3/auth/sigv4.h"

#include <string>

namespace millrace::bench {

inline constexpr std::int64_t now = 1'800'000'000;

// The bytes of a head, its empty line included.
std::string presigned_get();
std::string signed_get();

// Parses such a head; CHECKs that it is one.
void parse(std::string_view bytes, http::Head& head);

// One principal, as a server started with one pair of keys has.
const s3::CredentialTable& credentials();
s3::Policy policy();
s3::SigningIdentity signer();

}  // namespace millrace::bench
