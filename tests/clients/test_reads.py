"""GetObject and HeadObject where clients and servers tend to differ: ranges, parts, conditions,
headers and what an error says. Each rule is of AWS's API reference or RFC 9110."""
# errors: NotModified

import json

import errors
import pytest

PART = 5 * 1024 * 1024
TEN = b"0123456789"
# What differs between two answers to one question.
OF_THE_MOMENT = {"date", "x-amz-request-id", "x-amz-id-2"}


@pytest.fixture
def ten(s3, bucket):
    """A plain object of ten bytes."""
    s3.put_object(Bucket=bucket, Key="ten", Body=TEN, ContentType="text/plain",
                  CacheControl="max-age=60", Metadata={"colour": "blue"})
    return f"/{bucket}/ten"


@pytest.fixture
def parts(s3, bucket):
    """An object of two parts: 5 MiB and three bytes."""
    target = {"Bucket": bucket, "Key": "parts"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    listed = []
    for number, body in ((1, b"a" * PART), (2, b"end")):
        answer = s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)
        listed.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": listed})
    return f"/{bucket}/parts"


def get(wire, path, method="GET", query=(), **headers):
    return wire.request(method, path, query, {n.replace("_", "-"): v for n, v in headers.items()})


@pytest.mark.parametrize("sent", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99-"])
def test_an_unsatisfiable_range_tells_the_size(wire, ten, sent):
    answer = get(wire, ten, Range=sent)
    errors.assert_refused(answer, 416, "InvalidRange")
    assert answer.headers["Content-Range"] == "bytes */10"
    assert answer.xml().findtext("ActualObjectSize") == "10"
    assert answer.xml().findtext("RangeRequested") == sent
    head = get(wire, ten, "HEAD", Range=sent)
    assert (head.status, head.headers["Content-Range"], head.body) == (416, "bytes */10", b"")


@pytest.mark.parametrize("sent", ["bytes=0-1,4-5", "bytes=0-1, 99-", "bytes=-1,-2"])
def test_several_ranges_are_answered_with_the_whole(wire, ten, sent):
    answer = get(wire, ten, Range=sent)
    assert (answer.status, answer.body) == (200, TEN)
    assert "Content-Range" not in answer.headers


def test_if_range(wire, ten):
    fresh = get(wire, ten)
    etag, modified = fresh.headers["ETag"], fresh.headers["Last-Modified"]
    for value, status in ((etag, 206), ('"other"', 200), ("W/" + etag, 200), (modified, 206),
                          ("Sat, 01 Jan 2000 00:00:00 GMT", 200)):
        answer = get(wire, ten, Range="bytes=0-1", If_Range=value)
        assert (answer.status, answer.body) == (status, TEN if status == 200 else b"01"), value
    # A range that the old state would have had is no error where the object is another.
    assert get(wire, ten, Range="bytes=99-", If_Range='"other"').status == 200


CONDITIONS = [  # If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since: T(rue) or F(alse)
    ("F---", 412, "If-Match"), ("FT--", 412, "If-Match"), ("TF--", 200, None),
    ("-F--", 412, "If-Unmodified-Since"), ("-FF-", 412, "If-Unmodified-Since"),
    ("T-F-", 304, None), ("F-F-", 412, "If-Match"), ("--FT", 304, None), ("--TF", 200, None),
    ("---F", 304, None), ("T--F", 304, None), ("TFTF", 200, None), ("TTTT", 200, None)]


@pytest.mark.parametrize("letters, status, failed", CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_in_the_order_of_rfc_9110(wire, ten, letters, status, failed, method):
    fresh = get(wire, ten)
    etag, modified = fresh.headers["ETag"], fresh.headers["Last-Modified"]
    old = "Sat, 01 Jan 2000 00:00:00 GMT"
    values = [("If-Match", etag, '"other"'), ("If-Unmodified-Since", modified, old),
              ("If-None-Match", '"other"', etag), ("If-Modified-Since", old, modified)]
    headers = {name: true if letter == "T" else false
               for letter, (name, true, false) in zip(letters, values) if letter != "-"}
    answer = wire.request(method, ten, (), headers)
    assert answer.status == status
    if status == 304:
        assert not answer.body and "Content-Length" not in answer.headers
        assert (answer.headers["ETag"], answer.headers["Last-Modified"],
                answer.headers["Cache-Control"]) == (etag, modified, "max-age=60")
    if status == 412 and method == "GET":
        assert (answer.code, answer.xml().findtext("Condition")) == ("PreconditionFailed", failed)


@pytest.mark.parametrize("query, headers", [
    ((), {}), ((), {"Range": "bytes=2-4"}), ((), {"Range": "bytes=-3"}),
    ((("partNumber", "1"),), {}), ((("response-content-type", "image/png"),), {}),
    ((), {"x-amz-checksum-mode": "ENABLED"})])
@pytest.mark.parametrize("which", ["ten", "parts"])
def test_head_is_get_without_the_body(wire, request, which, query, headers):
    path = request.getfixturevalue(which)
    got, head = (wire.request(method, path, query, headers) for method in ("GET", "HEAD"))
    assert got.status == head.status and not head.body
    described = [{name.lower(): value for name, value in answer.headers.items()
                  if name.lower() not in OF_THE_MOMENT} for answer in (got, head)]
    assert described[0] == described[1]
    assert int(described[1]["content-length"]) == len(got.body)


def test_part_numbers(wire, ten, parts):
    for method in ("GET", "HEAD"):
        first = get(wire, parts, method, (("partNumber", "1"),))
        assert first.status == 206 and first.headers["x-amz-mp-parts-count"] == "2"
        assert first.headers["Content-Range"] == f"bytes 0-{PART - 1}/{PART + 3}"
        last = get(wire, parts, method, (("partNumber", "2"),))
        assert last.headers["Content-Range"] == f"bytes {PART}-{PART + 2}/{PART + 3}"
        assert last.headers["Content-Length"] == "3"
        beyond = get(wire, parts, method, (("partNumber", "3"),))
        assert beyond.status == 416
        # An object that was put whole is its own and only part.
        plain = get(wire, ten, method, (("partNumber", "1"),))
        assert (plain.status, plain.headers["Content-Range"]) == (206, "bytes 0-9/10")
        assert "x-amz-mp-parts-count" not in plain.headers
    errors.assert_refused(get(wire, parts, query=(("partNumber", "3"),)), 416, "InvalidPartNumber")
    detail = get(wire, ten, query=(("partNumber", "2"),)).xml()
    assert (detail.findtext("Code"), detail.findtext("PartNumberRequested"),
            detail.findtext("ActualPartCount")) == ("InvalidPartNumber", "2", "1")


@pytest.mark.parametrize("number", ["0", "10001", "-1", "one", ""])
def test_what_is_no_part_number(wire, ten, number):
    errors.assert_refused(get(wire, ten, query=(("partNumber", number),)), 400, "InvalidArgument")


def test_a_part_and_a_range_do_not_go_together(wire, parts):
    answer = get(wire, parts, query=(("partNumber", "1"),), Range="bytes=0-1")
    errors.assert_refused(answer, 400, "InvalidRequest")


def test_overrides_want_a_signature(wire, s3, bucket, ten):
    """Anonymous reads that a policy allows may not choose the headers of the answer."""
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    try:
        s3.delete_public_access_block(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        status, code = 400, "InvalidRequest"
        assert wire.send("GET", ten).status == 200
    except s3.exceptions.ClientError as error:  # a server without policies lets nobody in
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        status, code = 403, "AccessDenied"
    for name in ("content-type", "cache-control", "content-disposition", "content-encoding",
                 "content-language", "expires"):
        answer = wire.send("GET", f"{ten}?response-{name}=x")
        errors.assert_refused(answer, status, code)


def test_metadata_that_is_not_ascii(wire, bucket):
    """The example of AWS's user guide: bytes are taken for ISO 8859-1, and come back as words of
    RFC 2047. What is ASCII, encoded words too, comes back as it went in."""
    path = f"/{bucket}/meta"
    sent = {"x-amz-meta-nonascii": "ÄMÄZÕÑ S3".encode().decode("latin-1"),
            "x-amz-meta-mostly": "Hello World\xe9", "x-amz-meta-ascii": "AMAZONS3",
            "x-amz-meta-word": "=?UTF-8?Q?caf=C3=A9?="}
    answer = wire.request("PUT", path, (), sent, b"x")
    assert answer.status == 200, answer.body
    for method in ("GET", "HEAD"):
        got = wire.request(method, path).headers
        assert got["x-amz-meta-nonascii"] == "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="
        assert got["x-amz-meta-mostly"] == "=?UTF-8?Q?Hello_World=C3=A9?="
        assert got["x-amz-meta-ascii"] == "AMAZONS3"
        assert got["x-amz-meta-word"] == "=?UTF-8?Q?caf=C3=A9?="
