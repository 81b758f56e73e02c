// One run of CompleteMultipartUpload over an open upload. It can be stopped anywhere and run
// again: whatever two runs do to the same file, also at the same time, is the same.
#pragma once

#include "s3/store/copy_bytes.h"
#include "s3/store/uploads/plan.h"

namespace millrace::s3::store::uploads {

class Completer {
 public:
  Completer(Store& store, MappedPath& path, const CompleteRequest& request, OpenUpload& upload)
      : store_(store), path_(path), request_(request), upload_(upload) {}
  Completer(const Completer&) = delete;
  Completer& operator=(const Completer&) = delete;

  // Publishes; what is then left of the upload is the caller's to remove.
  engine::Task<UploadResult<Completed>> run();

 private:
  engine::Task<UploadResult<>> look();
  engine::Task<UploadResult<>> look_once();
  engine::Task<UploadResult<>> read_receipts(const Contents& contents);
  UploadResult<> check_object() const;
  std::unexpected<UploadError> about_checksums(UploadError error) const;
  engine::Task<engine::Result<>> relocate_last(std::uint64_t slot_bytes);
  engine::Task<engine::Result<>> put_into_slot(int assembly, std::uint64_t slot_bytes);
  engine::Task<engine::Result<>> close_assemblies();
  engine::Task<UploadResult<bool>> publish_assembly(std::uint64_t slot_bytes);
  engine::Task<UploadResult<>> check_early();
  engine::Task<UploadResult<>> publish_copy();
  engine::Task<engine::Result<bool>> was_published(const CopyMark& file);
  engine::Task<engine::Result<>> note_copy(const StagedFile& staged, std::int64_t mtime_ns);
  engine::Task<engine::Result<>> copy_part(const Receipt& part, FilePlace to);
  engine::Task<UploadResult<>> seal_and_publish(StagedFile& staged);
  int directory() const { return upload_.directory.fd.get(); }

  Store& store_;
  MappedPath& path_;
  const CompleteRequest& request_;
  OpenUpload& upload_;
  std::vector<StoredPart> parts_;
  std::vector<Claim> claims_;
  std::vector<CopyMark> copies_;
  Summary summary_;
  std::int64_t sealed_seconds_ = 0;
};

}  // namespace millrace::s3::store::uploads
