// What the operations on multipart uploads are told about checksums, and what they answer when it
// does not hold ("Checking object integrity", "CompleteMultipartUpload"). Owned by the request.
#pragma once

#include "s3/payload.h"
#include "s3/request.h"
#include "s3/store/uploads/upload.h"
#include "s3/xml/reader.h"

#include <optional>

namespace millrace::s3::handlers {

// x-amz-checksum-algorithm and x-amz-checksum-type of CreateMultipartUpload; nothing is set where
// it names none. Errors: InvalidRequest.
Outcome<> parse_checksum_kind(Request& request, store::ObjectChecksum& checksum);

// Makes the claims of a part fit its upload: a part without a checksum gets one computed, except
// where the upload's is composite, whose parts must bring theirs. Errors: InvalidRequest.
Outcome<> agree_on_checksum(Request& request, const store::UploadKind& upload,
                            PayloadClaims& claims);

// That of a part in the list of CompleteMultipartUpload. One that is no base64, or several, give
// a value that is no part's.
std::optional<ChecksumValue> listed_checksum(const xml::PartChecksums& sent);

// What CompleteMultipartUpload says of the whole object. Errors: InvalidRequest.
Outcome<store::StatedChecksum> stated_checksum(const http::Head& head);

// upload_error(), with what AWS says of the checksums that did not fit.
S3Error complete_error(Request& request, const store::UploadError& error,
                       const store::StatedChecksum& stated);

}  // namespace millrace::s3::handlers
