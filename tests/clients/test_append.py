"""Appending: PutObject with x-amz-write-offset-bytes, as directory buckets have it."""

import base64
import concurrent.futures
import hashlib
import socket
import zlib

import errors
import pytest
import raw

MIB = 1024 * 1024


def crc32_of(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def append(s3, bucket, offset, body, key="log", **options):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, WriteOffsetBytes=offset, **options)


def body_of(s3, bucket, key="log"):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_an_object_grows(s3, bucket):
    first = append(s3, bucket, 0, b"one,")
    assert first["ETag"] == f'"{hashlib.md5(b"one,").hexdigest()}"' and first["Size"] == 4
    tags = {first["ETag"]}
    for number, word in enumerate([b"two,", b"three"], 1):
        size = len(body_of(s3, bucket))
        answer = append(s3, bucket, size, word)
        assert answer["Size"] == size + len(word)
        assert s3.head_object(Bucket=bucket, Key="log")["ETag"] == answer["ETag"]
        tags.add(answer["ETag"])
    assert body_of(s3, bucket) == b"one,two,three"
    # An ETag of its own each time, which nobody takes for an MD5.
    assert len(tags) == 3 and "-" in answer["ETag"]
    part = s3.get_object(Bucket=bucket, Key="log", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (b"two,", 3)


def test_the_offset_must_be_the_size(s3, bucket):
    append(s3, bucket, 0, b"12345")
    for offset in (0, 4, 6):
        with errors.refused(400, "InvalidWriteOffset"):
            append(s3, bucket, offset, b"x")
    with errors.refused(404, "NoSuchKey"):
        append(s3, bucket, 1, b"x", key="none")
    with errors.refused(404, "NoSuchBucket"):
        append(s3, "never-made", 0, b"x")
    assert body_of(s3, bucket) == b"12345"


def test_an_empty_object_can_grow(s3, bucket):
    s3.put_object(Bucket=bucket, Key="log", Body=b"")
    assert append(s3, bucket, 0, b"first")["Size"] == 5
    assert body_of(s3, bucket) == b"first"


@pytest.mark.parametrize("size", [5, 4 * MIB, 9 * MIB + 3])
def test_what_the_object_says_stays(s3, bucket, size):
    base = bytes(range(256)) * (size // 256) + b"\0" * (size % 256)
    s3.put_object(Bucket=bucket, Key="log", Body=base, ContentType="text/x-log",
                  Metadata={"colour": "blue"}, ChecksumAlgorithm="CRC32", Tagging="a=b")
    tail = b"tail" * MIB
    append(s3, bucket, size, tail, ChecksumAlgorithm="CRC32")
    got = s3.get_object(Bucket=bucket, Key="log", ChecksumMode="ENABLED")
    assert got["Body"].read() == base + tail
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == (
        "text/x-log", {"colour": "blue"}, 1)
    assert got["ChecksumCRC32"] == crc32_of(base + tail)


def test_the_checksum_goes_on_where_none_is_sent(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="log", Body=b"base", ChecksumAlgorithm="CRC32")
    answer = wire.request("PUT", f"/{bucket}/log", headers={"x-amz-write-offset-bytes": "4"},
                          body=b"more")
    assert answer.status == 200, answer.body
    assert answer.headers["x-amz-checksum-crc32"] == crc32_of(b"basemore")
    assert answer.headers["x-amz-object-size"] == "8"


def test_a_sha_ends(s3, bucket):
    """It can't be combined, and the object is not read again for it."""
    s3.put_object(Bucket=bucket, Key="log", Body=b"base", ChecksumAlgorithm="SHA256")
    append(s3, bucket, 4, b"more", ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="log", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"basemore" and "ChecksumSHA256" not in got


def test_requests_that_are_refused(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="log", Body=b"base", ChecksumAlgorithm="CRC32")
    with errors.refused(400, "InvalidRequest"):
        append(s3, bucket, 4, b"x", Metadata={"a": "b"})
    with errors.refused(400, "InvalidRequest"):
        append(s3, bucket, 4, b"")
    with errors.refused(400, "InvalidRequest"):
        append(s3, bucket, 4, b"x", ChecksumAlgorithm="SHA1")
    for text in ("-1", "x", "", "4.0"):
        answer = wire.request("PUT", f"/{bucket}/log",
                              headers={"x-amz-write-offset-bytes": text}, body=b"x")
        errors.assert_refused(answer, 400, "InvalidArgument")
    wrong = wire.request("PUT", f"/{bucket}/log", body=b"x", headers={
        "x-amz-write-offset-bytes": "4", "x-amz-checksum-crc32": "AAAAAA=="})
    errors.assert_refused(wrong, 400, "BadDigest")
    with errors.refused(412, "PreconditionFailed"):
        append(s3, bucket, 4, b"x", IfMatch='"another"')
    with errors.refused(412, "PreconditionFailed"):
        append(s3, bucket, 4, b"x", IfNoneMatch="*")
    assert body_of(s3, bucket) == b"base"


def test_a_file_from_outside_grows(s3, bucket, server):
    (server.data / bucket / "log").write_bytes(b"from outside,")
    assert append(s3, bucket, 13, b"from S3")["Size"] == 20
    assert body_of(s3, bucket) == b"from outside,from S3"


def test_a_copy_counts_its_parts_anew(s3, bucket):
    append(s3, bucket, 0, b"one,")
    append(s3, bucket, 4, b"two")
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/log")
    assert answer["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"one,two").hexdigest()}"'
    assert "PartsCount" not in s3.head_object(Bucket=bucket, Key="copy", PartNumber=1)


def test_tags_given_during_an_append_stay(s3, wire, bucket):
    """100 Continue comes when the object has been read and the body is waited for."""
    append(s3, bucket, 0, b"base,")
    body = b"more"
    path = f"/{bucket}/log"
    headers = wire.signed_headers("PUT", path, [], {"x-amz-write-offset-bytes": "5"}, body)
    host, port = wire.host.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"PUT {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
                           f"Expect: 100-continue\r\n{head}\r\n".encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        s3.put_object_tagging(Bucket=bucket, Key="log",
                              Tagging={"TagSet": [{"Key": "colour", "Value": "blue"}]})
        connection.sendall(body)
        assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
    assert body_of(s3, bucket) == b"base,more"
    assert s3.get_object_tagging(Bucket=bucket, Key="log")["TagSet"] == [
        {"Key": "colour", "Value": "blue"}]


def test_of_racing_appends_one_is_done(s3, wire, bucket):
    append(s3, bucket, 0, b"start")

    def try_one(number):
        return wire.request("PUT", raw.key_path(bucket, "log"), body=b"%04d" % number,
                            headers={"x-amz-write-offset-bytes": "5"})

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(try_one, range(24)))
    done = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(done) == 1
    assert {a.code for a in answers if a.status != 200} == {"InvalidWriteOffset"}
    assert body_of(s3, bucket) == b"start%04d" % done[0]
