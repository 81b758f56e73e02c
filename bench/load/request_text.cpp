// See request_text.h.
#include "bench/load/request_text.h"

#include "s3/auth/sign.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace millrace::bench {
namespace {

constexpr std::uint32_t presigned_s = 24 * 3600;
constexpr std::uint64_t prepared_bytes_max = 4ULL << 30;
constexpr std::uint64_t head_bytes_typical = 500;

std::string_view method_of(Operation operation) {
  switch (operation) {
    case Operation::put:
    case Operation::make_bucket: return "PUT";
    case Operation::head: return "HEAD";
    case Operation::remove: return "DELETE";
    default: return "GET";
  }
}

std::string list_query(const Settings& settings, std::uint64_t place) {
  const std::uint64_t object = place * settings.objects / list_places(settings);
  return fmt::format("list-type=2&max-keys={}&prefix={}&start-after={}", settings.list_page,
                     s3::uri_encode(settings.prefix, false),
                     s3::uri_encode(object_key(settings, object), false));
}

std::string target_of(const RequestParts& parts) {
  return parts.query.empty() ? parts.path : parts.path + "?" + parts.query;
}

// How many different requests there are of an operation.
std::uint64_t variants(const Settings& settings, Operation operation) {
  if (!settings.mix.has(operation)) return 0;
  if (operation == Operation::multipart) return 0;
  if (operation == Operation::list) return list_places(settings);
  const bool recycles = settings.mix.has(Operation::put) && settings.mix.has(Operation::remove);
  const bool fresh = operation == Operation::put || operation == Operation::remove;
  return recycles && fresh ? 0 : settings.objects;
}

}  // namespace

std::uint64_t list_places(const Settings& settings) {
  return std::min(settings.objects, list_places_max);
}

std::string object_path(const Settings& settings, std::uint64_t object) {
  return "/" + settings.bucket + "/" + s3::uri_encode(object_key(settings, object), true);
}

RequestParts parts_of(const Settings& settings, const Step& step) {
  RequestParts parts{.method = method_of(step.operation)};
  if (step.operation == Operation::make_bucket) {
    parts.path = "/" + settings.bucket;
    parts.body_bytes = 0;
  } else if (step.operation == Operation::list) {
    parts.path = "/" + settings.bucket;
    parts.query = list_query(settings, step.object % list_places(settings));
  } else {
    parts.path = object_path(settings, step.object);
  }
  if (step.operation == Operation::put) parts.body_bytes = step.bytes;
  return parts;
}

void write_head(std::string& out, const Settings& settings, Auth auth, const Endpoint& endpoint,
                const RequestParts& parts, Signer& signer, std::int64_t unix_seconds) {
  std::string target = target_of(parts);
  if (auth == Auth::presigned) {
    s3::ClientRequest request{
        std::string(parts.method), std::move(target), {{"Host", endpoint.authority}}};
    target = s3::presign(request, settings.identity, unix_seconds, presigned_s);
  }
  const auto end = std::back_inserter(out);
  fmt::format_to(end, "{} {} HTTP/1.1\r\nHost: {}\r\n", parts.method, target, endpoint.authority);
  if (auth == Auth::header) {
    signer.append(out, {parts.method, endpoint.authority, parts.path, parts.query, parts.payload},
                  unix_seconds);
  }
  if (parts.body_bytes) fmt::format_to(end, "Content-Length: {}\r\n", *parts.body_bytes);
  out += parts.fields;
  out += "\r\n";
}

std::expected<PreparedHeads, std::string> PreparedHeads::make(const Settings& settings,
                                                              std::int64_t unix_seconds) {
  PreparedHeads heads;
  if (settings.auth == Auth::header) return heads;
  std::uint64_t count = 0;
  for (std::size_t op = 0; op < mixed_operations; ++op) {
    count += variants(settings, static_cast<Operation>(op)) * settings.endpoints.size();
  }
  if (count * head_bytes_typical > prepared_bytes_max) {
    return std::unexpected(fmt::format(
        "{} requests are too many to be made ahead; use fewer --objects or --auth header", count));
  }
  heads.list_places_ = list_places(settings);
  heads.blocks_.resize(settings.endpoints.size());
  Signer signer(settings.identity);
  for (std::size_t endpoint = 0; endpoint < settings.endpoints.size(); ++endpoint) {
    for (std::size_t op = 0; op < mixed_operations; ++op) {
      const auto operation = static_cast<Operation>(op);
      Block& block = heads.blocks_[endpoint][op];
      for (std::uint64_t i = 0; i < variants(settings, operation); ++i) {
        const Step step{.operation = operation, .object = i, .bytes = object_bytes(settings, i)};
        write_head(block.text, settings, settings.auth, settings.endpoints[endpoint],
                   parts_of(settings, step), signer, unix_seconds);
        if (operation == Operation::range) block.text.resize(block.text.size() - 2);
        block.ends.push_back(block.text.size());
      }
    }
  }
  return heads;
}

std::string_view PreparedHeads::find(unsigned endpoint, const Step& step) const {
  const auto op = static_cast<std::size_t>(step.operation);
  if (blocks_.empty() || op >= mixed_operations) return {};
  const Block& block = blocks_[endpoint][op];
  const std::uint64_t index =
      step.operation == Operation::list ? step.object % list_places_ : step.object;
  if (index >= block.ends.size()) return {};
  const std::uint64_t begin = index == 0 ? 0 : block.ends[index - 1];
  return std::string_view(block.text).substr(begin, block.ends[index] - begin);
}

}  // namespace millrace::bench
