// What knowing who asks costs, and what for: signatures, aws-chunked bodies, addresses, routing.
#include "bench/micro/sample.h"
#include "engine/check.h"
#include "s3/address.h"
#include "s3/auth/chunked.h"
#include "s3/operations.h"
#include "s3/unimplemented.h"

#include <benchmark/benchmark.h>

namespace millrace::bench {
namespace {

void authenticate(benchmark::State& state, const std::string& bytes) {
  http::Head head;
  parse(bytes, head);
  s3::SigningKeyCache keys;
  const s3::CredentialSource source = credentials().source();
  for (auto step : state) {
    auto identity = s3::authenticate(head, head.query, source, policy(), keys);
    MILLRACE_CHECK(identity.has_value() && !identity->anonymous());
    benchmark::DoNotOptimize(identity);
  }
}
void authenticate_presigned(benchmark::State& state) {
  authenticate(state, presigned_get());
}
void authenticate_header(benchmark::State& state) {
  authenticate(state, signed_get());
}
BENCHMARK(authenticate_presigned);
BENCHMARK(authenticate_header);

// Four HMACs: what the cache of signing keys saves.
void derive_signing_key(benchmark::State& state) {
  for (auto step : state) {
    benchmark::DoNotOptimize(
        s3::derive_signing_key("benchmark-secret-key", "20270115", "us-east-1"));
  }
}
BENCHMARK(derive_signing_key);

// Address, operation and what isn't built: all that lies between the parser and the handler.
void route(benchmark::State& state) {
  const std::string bytes = presigned_get();
  http::Head head;
  parse(bytes, head);
  for (auto step : state) {
    s3::BucketBuffer buffer;
    const auto address = s3::resolve_address(head, {}, buffer);
    const s3::QueryParameters query(head.query);
    const auto operation = s3::resolve(head, query, address->scope);
    benchmark::DoNotOptimize(s3::check_unimplemented(head, query, *operation));
  }
}
BENCHMARK(route);

// A body of 1 MiB in signed chunks of 64 KiB: nearly all of it is SHA-256.
void decode_aws_chunked(benchmark::State& state) {
  const bool is_signed = state.range(0) != 0;
  const std::string payload(1 << 20, 'x');
  s3::ClientRequest request{
      .method = "PUT", .target = "/bench/object", .headers = {{"Host", "storage.example.com"}}};
  const std::string_view mode =
      is_signed ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" : "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const s3::SignatureSeed seed = s3::sign_request(request, signer(), now, mode);
  const std::string body = s3::encode_aws_chunked(payload, seed, {.signed_chunks = is_signed});
  s3::Identity identity{.principal = credentials().find(signer().access_key),
                        .payload = is_signed ? s3::PayloadMode::streaming_signed
                                             : s3::PayloadMode::streaming_unsigned_trailer,
                        .signing_key = seed.key,
                        .seed_signature = seed.signature};
  identity.scope.assign(seed.scope);
  identity.timestamp.assign(seed.timestamp);
  for (auto step : state) {
    s3::AwsChunkedDecoder decoder(identity, {.decoded_bytes = payload.size()});
    std::span<const std::byte> rest = s3::bytes_of(body);
    while (!rest.empty() && !decoder.done()) {
      rest = rest.subspan(decoder.step(rest).consumed);
    }
    MILLRACE_CHECK(!decoder.end());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(payload.size()));
}
BENCHMARK(decode_aws_chunked)->ArgName("signed")->Arg(0)->Arg(1);

}  // namespace
}  // namespace millrace::bench
