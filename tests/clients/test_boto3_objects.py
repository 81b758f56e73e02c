"""Objects: bytes and headers come back as they went in; conditions, ranges, digests."""

import base64
import concurrent.futures
import datetime
import hashlib

import errors
import pytest

MIB = 1024 * 1024


def pattern(size):
    """Bytes without a short period."""
    block = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(2048))
    return (block * (size // len(block) + 1))[:size]


def etag_of(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65536, MIB - 1, 5 * MIB + 1, 20 * MIB])
def test_round_trip(s3, bucket, size):
    body = pattern(size)
    put = s3.put_object(Bucket=bucket, Key="dir/key", Body=body)
    assert put["ETag"] == etag_of(body)
    head = s3.head_object(Bucket=bucket, Key="dir/key")
    got = s3.get_object(Bucket=bucket, Key="dir/key")
    assert got["Body"].read() == body
    for answer in (head, got):
        assert answer["ContentLength"] == size and answer["ETag"] == etag_of(body)
        assert answer["ContentType"] == "binary/octet-stream"
        assert answer["AcceptRanges"] == "bytes"
        age = datetime.datetime.now(datetime.timezone.utc) - answer["LastModified"]
        assert abs(age.total_seconds()) < 60


def test_the_object_is_a_plain_file(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="a/b/c", Body=b"for cat")
    assert (server.data / bucket / "a/b/c").read_bytes() == b"for cat"
    (server.data / bucket / "a/d").write_bytes(b"from outside")
    got = s3.get_object(Bucket=bucket, Key="a/d")
    assert got["Body"].read() == b"from outside" and "-" in got["ETag"]


def test_overwrite_and_delete_show_at_once(s3, bucket):
    for body in (b"first", b"second, longer", b""):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    for _ in range(2):  # deleting what is not there succeeds too
        answer = s3.delete_object(Bucket=bucket, Key="k")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    with errors.refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_headers_and_metadata_come_back(s3, bucket):
    sent = {"ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=60",
            "ContentDisposition": 'attachment; filename="a b.txt"', "ContentEncoding": "gzip",
            "ContentLanguage": "de-DE", "Metadata": {"colour": "blue", "mixed-case": "A  b"}}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires="Thu, 01 Jan 2037 00:00:00 GMT", **sent)
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert answer["ExpiresString"] == "Thu, 01 Jan 2037 00:00:00 GMT"
        assert answer["Metadata"]["colour"] == "blue"
        assert {n: answer[n] for n in sent if n != "Metadata"} == {
            n: v for n, v in sent.items() if n != "Metadata"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {}


def test_metadata_has_a_limit_of_2_kib(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2000})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "v" * 2000}
    with errors.refused(400, "MetadataTooLarge"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"y", Metadata={"a": "v" * 2100})


def test_response_overrides(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="no-cache",
        ResponseContentDisposition="inline", ResponseContentEncoding="br",
        ResponseContentLanguage="fr", ResponseExpires=datetime.datetime(2037, 1, 1))
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"],
            got["ContentEncoding"], got["ContentLanguage"]) == (
        "image/png", "no-cache", "inline", "br", "fr")
    assert got["ExpiresString"] == "Thu, 01 Jan 2037 00:00:00 GMT"
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "text/plain"


def test_an_override_cannot_inject_a_header(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    query = [("response-content-type", "text/plain\r\nx-injected: yes")]
    answer = wire.request("GET", f"/{bucket}/k", query)
    assert answer.status == 400 and "x-injected" not in answer.headers


CONDITIONS = [  # RFC 9110 section 13.2.2, and AWS's GetObject for the two pairs
    ({"IfMatch": "etag"}, 200), ({"IfMatch": '"other"'}, 412), ({"IfMatch": "*"}, 200),
    ({"IfNoneMatch": "etag"}, 304), ({"IfNoneMatch": '"other"'}, 200),
    ({"IfModifiedSince": "same"}, 304), ({"IfModifiedSince": "before"}, 200),
    ({"IfUnmodifiedSince": "same"}, 200), ({"IfUnmodifiedSince": "before"}, 412),
    ({"IfMatch": "etag", "IfUnmodifiedSince": "before"}, 200),
    ({"IfNoneMatch": "etag", "IfModifiedSince": "before"}, 304),
    ({"IfNoneMatch": '"other"', "IfModifiedSince": "same"}, 200)]


@pytest.mark.parametrize("conditions, status", CONDITIONS)
@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_conditional_reads(s3, bucket, operation, conditions, status):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    values = {"etag": etag, "same": modified, "before": modified - datetime.timedelta(hours=1)}
    call = {name: values.get(value, value) for name, value in conditions.items()}
    if status == 200:
        assert getattr(s3, operation)(Bucket=bucket, Key="k", **call)["ETag"] == etag
        return
    code = {304: "304", 412: "412" if operation == "head_object" else "PreconditionFailed"}
    with errors.refused(status, code[status]) as caught:
        getattr(s3, operation)(Bucket=bucket, Key="k", **call)
    if status == 304:
        headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["etag"] == etag


TEN = b"0123456789"
RANGES = [("bytes=0-0", b"0", "0-0"), ("bytes=5-9", b"56789", "5-9"), ("bytes=5-", b"56789", "5-9"),
          ("bytes=-3", b"789", "7-9"), ("bytes=-99", TEN, "0-9"), ("bytes=8-999999", b"89", "8-9")]


@pytest.mark.parametrize("sent, body, content_range", RANGES)
def test_ranges(s3, bucket, sent, body, content_range):
    s3.put_object(Bucket=bucket, Key="k", Body=TEN)
    got = s3.get_object(Bucket=bucket, Key="k", Range=sent)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["Body"].read() == body and got["ContentLength"] == len(body)
    assert got["ContentRange"] == f"bytes {content_range}/10"
    head = s3.head_object(Bucket=bucket, Key="k", Range=sent)
    assert head["ContentLength"] == len(body)


@pytest.mark.parametrize("sent", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_unsatisfiable_ranges(s3, bucket, sent):
    s3.put_object(Bucket=bucket, Key="k", Body=TEN)
    with errors.refused(416, "InvalidRange"):
        s3.get_object(Bucket=bucket, Key="k", Range=sent)


@pytest.mark.parametrize("sent", ["bytes=5-2", "lines=1-2", "bytes=a-b"])
def test_malformed_ranges_are_ignored(s3, bucket, sent):
    """RFC 9110 section 14.2: a range that cannot be understood is no range."""
    s3.put_object(Bucket=bucket, Key="k", Body=TEN)
    got = s3.get_object(Bucket=bucket, Key="k", Range=sent)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["Body"].read() == TEN


def test_no_range_of_an_empty_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with errors.refused(416, "InvalidRange"):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-0")


def test_ranges_of_a_large_object(s3, bucket):
    body = pattern(20 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for first, last in ((MIB - 1, MIB), (3, 7 * MIB + 5), (20 * MIB - 4097, 20 * MIB - 1)):
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}")
        assert got["Body"].read() == body[first:last + 1]


def test_content_md5(s3, bucket):
    good = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    s3.put_object(Bucket=bucket, Key="good", Body=b"body", ContentMD5=good)
    with errors.refused(400, "BadDigest"):
        s3.put_object(Bucket=bucket, Key="bad", Body=b"other", ContentMD5=good)
    with errors.refused(400, "InvalidDigest"):
        s3.put_object(Bucket=bucket, Key="bad", Body=b"body", ContentMD5="short")
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="bad")


def test_a_wrong_checksum_leaves_nothing_and_the_old_object_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with errors.refused(400, "BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"new", ChecksumCRC32="AAAAAA==")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


@pytest.mark.parametrize("name", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_kept(s3, bucket, name):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"body", ChecksumAlgorithm=name)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[f"Checksum{name}"] == head[f"Checksum{name}"]


def test_the_body_must_be_the_signed_one(wire, s3, bucket):
    wrong = hashlib.sha256(b"another").hexdigest()
    answer = wire.request("PUT", f"/{bucket}/k", body=b"body", payload=wrong)
    errors.assert_refused(answer, 400, "XAmzContentSHA256Mismatch")
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")


def test_create_only_once(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    with errors.refused(412, "PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="k", Body=b"third", IfNoneMatch="*")


def test_one_of_many_racing_creates_wins(s3, bucket):
    def create(number):
        try:
            s3.put_object(Bucket=bucket, Key="raced", Body=b"%d" % number, IfNoneMatch="*")
            return number
        except s3.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            assert code in ("PreconditionFailed", "ConditionalRequestConflict")
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        winners = [n for n in pool.map(create, range(32)) if n is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="raced")["Body"].read() == b"%d" % winners[0]


def test_delete_many(s3, bucket):
    keys = [f"d/{number} & <{number}>" for number in range(20)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    asked = [{"Key": key} for key in [*keys[:15], "never-there"]]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": asked})
    assert sorted(item["Key"] for item in answer["Deleted"]) == sorted(a["Key"] for a in asked)
    assert "Errors" not in answer
    answer = s3.delete_objects(Bucket=bucket, Delete={
        "Objects": [{"Key": key} for key in keys[15:]], "Quiet": True})
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_delete_many_refuses_nonsense(s3, wire, bucket):
    too_many = {"Objects": [{"Key": f"k{number}"} for number in range(1001)]}
    with errors.refused(400, "MalformedXML"):
        s3.delete_objects(Bucket=bucket, Delete=too_many)
    empty = wire.request("POST", f"/{bucket}", [("delete", "")], {}, b"")
    errors.assert_refused(empty, 400, "MissingRequestBodyError")
    for body in (b"<Delete><Object>", b"<Other/>"):
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer = wire.request("POST", f"/{bucket}", [("delete", "")], {"Content-MD5": md5}, body)
        errors.assert_refused(answer, 400, "MalformedXML")
