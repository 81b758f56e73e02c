"""Checksums of objects that are put whole (AWS: "Checking object integrity"): each algorithm as a
header and as a trailer, what is kept of it, and every way in which one can be wrong."""

import checksums
import errors
import pytest
import test_post_forms as forms
import test_streamed_bodies as streamed

BODY = b"Memento Mori"
# What AWS's own clients send for BODY.
KNOWN = {"XXHASH64": "gpWjYMLp9XA=", "XXHASH3": "9RrF7krhuOI=",
         "XXHASH128": "AW5DBY+18wW7VuSsFyNFAg==",
         "SHA512": "b3tSwOm8ciYgInIl7qsmQMTRTg6bftRpEBagE0ZWONKrb19uOBf1HZX++/ttF/2n"
                   "/6MFWBq3O4Msl2oP/XC+pQ=="}


def put(wire, bucket, headers, body=BODY):
    return wire.request("PUT", f"/{bucket}/k", headers=headers, body=body)


def assert_kept(wire, bucket, name, value, kind="FULL_OBJECT", key="k"):
    """HEAD and GET tell it when asked, and only then; a range does not, unless it is all."""
    for method in "HEAD", "GET":
        told = wire.request(method, f"/{bucket}/{key}", headers={"x-amz-checksum-mode": "ENABLED"})
        assert told.headers[checksums.header(name)] == value
        assert told.headers["x-amz-checksum-type"] == kind
        silent = wire.request(method, f"/{bucket}/{key}")
        assert checksums.header(name) not in silent.headers
        assert "x-amz-checksum-type" not in silent.headers


def assert_refused(answer, code, message):
    errors.assert_refused(answer, 400, code)
    assert answer.xml().findtext("Message").startswith(message), answer.body


def test_known_values():
    for name, value in KNOWN.items():
        assert checksums.of(name, BODY) == value
    assert checksums.of("CRC64NVME", b"123456789") == "rosUhgp5mIg="
    assert checksums.of("CRC32C", b"123456789") == "4waSgw=="


@pytest.mark.parametrize("name", checksums.NAMES)
def test_as_a_header(wire, bucket, name):
    value = checksums.of(name, BODY)
    answer = put(wire, bucket, {checksums.header(name): value,
                                "x-amz-sdk-checksum-algorithm": name})
    assert answer.status == 200, answer.body
    assert answer.headers[checksums.header(name)] == value
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert_kept(wire, bucket, name, value)
    listed = wire.request("GET", f"/{bucket}", query=[("list-type", "2")]).xml().find("Contents")
    assert listed.findtext("ChecksumAlgorithm") == name
    assert listed.findtext("ChecksumType") == "FULL_OBJECT"
    wrong = checksums.of(name, BODY + b"!")
    assert_refused(put(wire, bucket, {checksums.header(name): wrong}), "BadDigest",
                   f"The {name} you specified did not match the calculated checksum.")
    for bad in "!", value[:-4], value + "AAAA":
        assert_refused(put(wire, bucket, {checksums.header(name): bad}), "InvalidRequest",
                       f"Value for {checksums.header(name)} header is invalid.")
    assert_kept(wire, bucket, name, value)


@pytest.mark.parametrize("name", checksums.NAMES)
def test_as_a_trailer(wire, bucket, name):
    def send(value, named=name):
        text = streamed.trailer_body(BODY, value, name=checksums.header(named))
        head = streamed.head_of(wire, f"/{bucket}/k", streamed.TRAILER, len(BODY), len(text),
                                **{"x-amz-trailer": checksums.header(name)})
        return streamed.send(wire, f"/{bucket}/k", head, text)

    value = checksums.of(name, BODY)
    answer = send(value)
    assert answer.status == 200 and answer.headers[checksums.header(name)] == value, answer.body
    assert_kept(wire, bucket, name, value)
    assert_refused(send(checksums.of(name, b"other")), "BadDigest",
                   f"The {name} you specified did not match the calculated checksum.")
    errors.assert_refused(send("short"), 400, "MalformedTrailerError")
    other = "CRC32" if name != "CRC32" else "SHA1"
    errors.assert_refused(send(checksums.of(other, BODY), other), 400, "MalformedTrailerError")


def test_a_trailer_that_was_not_announced(wire, bucket):
    text = streamed.trailer_body(BODY, checksums.of("CRC32", BODY))
    head = streamed.head_of(wire, f"/{bucket}/k", streamed.TRAILER, len(BODY), len(text))
    errors.assert_refused(streamed.send(wire, f"/{bucket}/k", head, text), 400,
                          "MalformedTrailerError")
    head = streamed.head_of(wire, f"/{bucket}/k", streamed.TRAILER, len(BODY), len(text),
                            **{"x-amz-trailer": "x-amz-checksum-sha3"})
    errors.assert_refused(streamed.send(wire, f"/{bucket}/k", head, text), 400, "InvalidRequest")


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 400])
def test_who_says_nothing_gets_crc64nvme(wire, s3, bucket, body):
    value = checksums.of("CRC64NVME", body)
    # What is said of the algorithm without a value says nothing.
    answer = put(wire, bucket, {"x-amz-checksum-algorithm": "SHA256"}, body)
    assert answer.headers["x-amz-checksum-crc64nvme"] == value
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert_kept(wire, bucket, "CRC64NVME", value)
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == ["CRC64NVME"]


def test_a_form_without_one_gets_it_too(wire, s3, bucket):
    fields = s3.generate_presigned_post(bucket, "k")["fields"]
    kind = {"Content-Type": f"multipart/form-data; boundary={forms.BOUNDARY}"}
    answer = wire.send("POST", f"/{bucket}", kind, forms.encode(list(fields.items()), file=BODY))
    assert answer.status == 204, answer.body
    assert_kept(wire, bucket, "CRC64NVME", checksums.of("CRC64NVME", BODY))


@pytest.mark.parametrize("span, told", [("bytes=0-11", True), ("bytes=0-", True),
                                        ("bytes=1-", False), ("bytes=0-10", False)])
def test_a_range_has_no_checksum_unless_it_is_all(wire, bucket, span, told):
    put(wire, bucket, {})
    answer = wire.request("GET", f"/{bucket}/k",
                          headers={"Range": span, "x-amz-checksum-mode": "ENABLED"})
    assert answer.status == 206
    assert ("x-amz-checksum-crc64nvme" in answer.headers) == told
    assert ("x-amz-checksum-type" in answer.headers) == told


MULTIPLE = "Expecting a single x-amz-checksum- header."
SDK_INVALID = "Value for x-amz-sdk-checksum-algorithm header is invalid."
SDK_MISSING = "x-amz-sdk-checksum-algorithm specified, but no corresponding"
CRC = checksums.of("CRC32", BODY)


@pytest.mark.parametrize("headers, message", [
    ({"x-amz-checksum-crc32": CRC, "x-amz-checksum-sha1": checksums.of("SHA1", BODY)}, MULTIPLE),
    ({"x-amz-checksum-sha3": CRC}, "The algorithm type you specified in x-amz-checksum- header"),
    ({"x-amz-checksum-crc32": CRC, "x-amz-sdk-checksum-algorithm": "SHA256"}, SDK_INVALID),
    ({"x-amz-checksum-crc32": CRC, "x-amz-sdk-checksum-algorithm": "BOGUS"}, SDK_INVALID),
    ({"x-amz-sdk-checksum-algorithm": "CRC32"}, SDK_MISSING),
    ({"x-amz-sdk-checksum-algorithm": "BOGUS"}, SDK_MISSING),
])
def test_headers_that_contradict_each_other(wire, s3, bucket, headers, message):
    assert_refused(put(wire, bucket, headers), "InvalidRequest", message)
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")


def test_a_trailer_beside_a_header_of_another_kind(wire, bucket):
    text = streamed.trailer_body(BODY, CRC)
    head = streamed.head_of(wire, f"/{bucket}/k", streamed.TRAILER, len(BODY), len(text),
                            **{"x-amz-trailer": "x-amz-checksum-crc32",
                               "x-amz-checksum-sha1": checksums.of("SHA1", BODY)})
    assert_refused(streamed.send(wire, f"/{bucket}/k", head, text), "InvalidRequest", MULTIPLE)


def test_content_md5_says_what_is_wrong(wire, bucket):
    assert_refused(put(wire, bucket, {"Content-MD5": checksums.of("MD5", b"other")}), "BadDigest",
                   "The Content-MD5 you specified did not match what we received.")
    assert_refused(put(wire, bucket, {"Content-MD5": "short"}), "InvalidDigest",
                   "The Content-MD5 you specified was invalid.")


def test_by_boto3(s3, bucket):
    for name in checksums.NAMES:
        s3.put_object(Bucket=bucket, Key=name, Body=BODY,
                      **{f"Checksum{name}": checksums.of(name, BODY)})
        got = s3.get_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        assert got[f"Checksum{name}"] == checksums.of(name, BODY)
        assert got["Body"].read() == BODY  # which compares it, where boto3 can
