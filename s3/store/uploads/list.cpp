// See upload.h: ListParts and ListMultipartUploads.
#include "s3/store/uploads/layout.h"

#include <algorithm>

namespace millrace::s3::store {

using namespace uploads;
using engine::Errc;
using engine::Result;
using engine::Task;

namespace {

UploadInfo info_of(const UploadRecord& record, std::string_view id) {
  return {.key = std::string(record.key),
          .id = std::string(id),
          .initiated_ms = record.created_ms,
          .storage_class = std::string(record.object.field(Field::storage_class)),
          .initiator = std::string(record.initiator),
          .owner = std::string(record.owner),
          .algorithm = record.checksum_by_default ? ChecksumAlgorithm::none : record.algorithm(),
          .checksum_type = record.object.checksum.type};
}

Task<UploadResult<std::vector<UploadInfo>>> read_uploads(const StoreOptions& options,
                                                         std::string_view bucket,
                                                         std::string_view prefix) {
  const auto above = co_await open_uploads(options, bucket);
  if (!above) co_return std::unexpected(above.error());
  const auto names = co_await read_names(above->fd.get());
  if (!names) co_return fail_with(names.error());
  std::vector<UploadInfo> found;
  for (const std::string& name : *names) {
    if (!UploadId::parse(name)) continue;
    const std::string path = name + '/' + record_name;
    auto bytes = co_await read_whole(above->fd.get(), path.c_str(), record_bytes_max);
    if (!bytes && bytes.error().is(ENOENT)) continue;  // half made, or gone meanwhile
    if (!bytes) co_return fail_with(bytes.error());
    const auto record = decode_upload(std::move(*bytes));
    // One that is damaged or of a later version must not hide all the others.
    if (!record || !record->key.starts_with(prefix)) continue;
    found.push_back(info_of(*record, name));
  }
  std::ranges::sort(found, [](const UploadInfo& a, const UploadInfo& b) {
    return a.key != b.key ? a.key < b.key : a.id < b.id;
  });
  co_return found;
}

bool before_page(const UploadInfo& upload, const UploadListRequest& request) {
  if (request.key_marker.empty()) return false;
  if (upload.key != request.key_marker) return upload.key < request.key_marker;
  return request.id_marker.empty() || upload.id <= request.id_marker;
}

// What the key is rolled up to, or empty.
std::string_view rolled_up(std::string_view key, const UploadListRequest& request) {
  if (request.delimiter.empty()) return {};
  const auto at = key.find(request.delimiter, request.prefix.size());
  if (at == std::string_view::npos) return {};
  return key.substr(0, at + request.delimiter.size());
}

}  // namespace

Task<UploadResult<UploadList>> list_uploads(Store& store, std::string_view bucket,
                                            const UploadListRequest& request) {
  auto found = co_await read_uploads(store.options(), bucket, request.prefix);
  if (!found) co_return std::unexpected(found.error());
  UploadList page;
  for (UploadInfo& upload : *found) {
    const std::string_view common = rolled_up(upload.key, request);
    if (common.empty() ? before_page(upload, request) : common <= request.key_marker) {
      continue;
    }
    if (!common.empty() && !page.common_prefixes.empty() && page.common_prefixes.back() == common) {
      continue;
    }
    if (page.uploads.size() + page.common_prefixes.size() == request.max) {
      page.truncated = request.max != 0;
      break;
    }
    if (common.empty()) {
      page.next_key_marker = upload.key;
      page.next_id_marker = upload.id;
      page.uploads.push_back(std::move(upload));
    } else {
      page.next_key_marker = common;
      page.next_id_marker.clear();
      page.common_prefixes.emplace_back(common);
    }
  }
  co_return page;
}

Task<UploadResult<UploadInfo>> describe_upload(Store& store, std::string_view bucket,
                                               std::string_view key, std::string_view id) {
  const auto upload = co_await open_upload(store.options(), bucket, key, id);
  if (!upload) co_return std::unexpected(upload.error());
  co_return info_of(upload->record, id);
}

Task<UploadResult<PartList>> list_parts(Store& store, std::string_view bucket, std::string_view key,
                                        std::string_view id, std::uint32_t after, std::size_t max) {
  const auto upload = co_await open_upload(store.options(), bucket, key, id);
  if (!upload) co_return std::unexpected(upload.error());
  const int directory = upload->directory.fd.get();
  const auto contents = co_await read_contents(directory);
  if (!contents) co_return fail_inside(contents.error());
  PartList list{.upload = info_of(upload->record, id)};
  for (auto at = std::ranges::upper_bound(contents->receipts, after, {}, &NewestReceipt::part);
       at != contents->receipts.end(); ++at) {
    const EntryName name = receipt_name(at->part, at->sequence);
    const auto bytes = co_await read_whole(directory, name.c_str(), receipt_bytes_max);
    if (!bytes) co_return fail_inside(bytes.error());
    const auto receipt = decode_receipt(*bytes);
    if (!receipt && receipt.error().code == Errc::corrupt) continue;  // torn: it counts as absent
    if (!receipt) co_return fail_with(receipt.error());
    if (list.parts.size() == max) {
      list.truncated = max != 0;
      break;
    }
    list.parts.push_back({.number = receipt->part,
                          .size = receipt->size,
                          .modified_ms = receipt->acknowledged_ms,
                          .md5 = receipt->md5,
                          .checksum = receipt->checksum});
  }
  // Rule 3 of layout.h: half of the parts of an upload that is being removed are no answer.
  const auto live = co_await still_there(upload->uploads.fd.get(), upload->id.c_str());
  if (!live) co_return fail_with(live.error());
  if (!*live) co_return fail_with(UploadFailure::no_such_upload);
  co_return list;
}

}  // namespace millrace::s3::store
