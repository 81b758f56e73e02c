"""Header fields that SDKs move into a presigned query mean what they mean as headers; in a query that
is not a signature's they are refused, never ignored."""
# operations: PutObject, GetObject, CopyObject, UploadPart, UploadPartCopy, CompleteMultipartUpload

import errors
import pytest


@pytest.fixture
def presigned(wire, bucket):
    """presigned(method, key, query, headers, body): the answer to a presigned request."""
    def send(method, key, query, headers=(), body=b""):
        target = wire.presign(method, f"/{bucket}/{key}", query=query)
        return wire.send(method, target, headers, body)
    return send


def test_metadata_and_copies(s3, presigned, bucket):
    fields = [("X-Amz-Meta-Color", "green blue"), ("x-amz-tagging", "a=1&b=2%203"),
              ("x-amz-storage-class", "STANDARD")]
    assert presigned("PUT", "k", fields, body=b"content").status == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"color": "green blue"}
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2 3"}]
    source = ("x-amz-copy-source", f"/{bucket}/k")
    assert presigned("PUT", "copy", [source]).status == 200
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"color": "green blue"}
    replace = [source, ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-new", "1")]
    assert presigned("PUT", "copy", replace).status == 200
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"new": "1"}
    errors.assert_refused(
        presigned("PUT", "copy", [source, ("x-amz-copy-source-if-match", '"other"')]),
        412, "PreconditionFailed")


def test_parts_are_copied(s3, presigned, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="up")["UploadId"]
    query = [("partNumber", "1"), ("uploadId", upload), ("x-amz-copy-source", f"{bucket}/k"),
             ("x-amz-copy-source-range", "bytes=2-4")]
    etag = presigned("PUT", "up", query).xml().findtext("ETag")
    body = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
            "</CompleteMultipartUpload>").encode()
    wrong = [("uploadId", upload), ("x-amz-mp-object-size", "4")]
    errors.assert_refused(presigned("POST", "up", wrong, body=body), 400, "InvalidRequest")
    assert presigned("POST", "up", [("uploadId", upload), ("x-amz-mp-object-size", "3")],
                     body=body).status == 200
    assert s3.get_object(Bucket=bucket, Key="up")["Body"].read() == b"234"


def test_appends_and_conditions(s3, presigned, bucket):
    offset = "x-amz-write-offset-bytes"
    assert presigned("PUT", "k", [(offset, "0")], body=b"one").status == 200
    assert presigned("PUT", "k", [(offset, "3")], body=b"two").status == 200
    errors.assert_refused(presigned("PUT", "k", [(offset, "3")], body=b"x"), 400,
                          "InvalidWriteOffset")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"onetwo"
    errors.assert_refused(presigned("DELETE", "k", [("x-amz-if-match-size", "7")]), 412,
                          "PreconditionFailed")
    assert presigned("DELETE", "k", [("x-amz-if-match-size", "6")]).status == 204


def test_what_is_not_built_is_refused_as_in_a_header(presigned):
    errors.assert_refused(presigned("PUT", "k", [("x-amz-server-side-encryption", "AES256")]),
                          501, "NotImplemented")
    errors.assert_refused(presigned("PUT", "k", [("x-amz-storage-class", "GLACIER")]), 400,
                          "InvalidStorageClass")
    errors.assert_refused(presigned("PUT", "k", [("X-Amz-Acl", "public-read")]), 400,
                          "AccessControlListNotSupported")


def test_what_cannot_be_a_header(presigned):
    errors.assert_refused(presigned("PUT", "k", [("x-amz-meta-a", "b\r\nX-Evil: 1")]), 400,
                          "InvalidArgument")
    errors.assert_refused(presigned("PUT", "k", [("x-amz-meta-a b", "c")]), 400, "InvalidArgument")
    many = [(f"x-amz-meta-{number}", "v") for number in range(120)]
    errors.assert_refused(presigned("PUT", "k", many), 400, "RequestHeaderSectionTooLarge")
    large = [("x-amz-meta-a", "v" * 2048)]
    errors.assert_refused(presigned("PUT", "k", large), 400, "MetadataTooLarge")


def test_checksums_of_a_query_are_of_no_body(s3, presigned, bucket):
    """As on AWS: an SDK that presigns an upload puts the checksum of no bytes there."""
    query = [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "CRC32")]
    assert presigned("PUT", "k", query, body=b"content").status == 200
    assert presigned("GET", "k", [("x-amz-checksum-mode", "ENABLED")]).headers[
        "x-amz-checksum-crc64nvme"]


def test_two_of_one_name(s3, wire, presigned, bucket):
    twice = [("x-amz-meta-a", "first"), ("x-amz-meta-a", "second")]
    assert presigned("PUT", "k", twice).status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "first"}
    # Not signed: a header beside the query's parameter changes nothing, it is refused.
    errors.assert_refused(presigned("PUT", "k", twice[:1], {"x-amz-meta-a": "third"}), 403,
                          "AccessDenied")


def test_other_queries_are_refused(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for name, value in (("x-amz-write-offset-bytes", "1"), ("x-amz-tagging", "a=b"),
                        ("x-amz-copy-source", f"{bucket}/k"), ("x-amz-metadata-directive", "COPY")):
        answer = wire.request("PUT", f"/{bucket}/k", [(name, value)], body=b"2")
        errors.assert_refused(answer, 501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
