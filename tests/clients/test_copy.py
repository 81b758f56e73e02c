"""CopyObject: across keys and buckets and onto itself, what of the source is kept, and the errors
that the API reference gives."""

import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import time
import zlib

import botocore.exceptions
import errors
import pytest
import raw

MIB = 1024 * 1024


def piece(seed, size):
    block = hashlib.sha256(seed.encode()).digest() * (MIB // 32)
    return (block * (size // MIB + 1))[:size]


def md5_of(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def crc32_of(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def sha256_of(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@pytest.fixture
def source(s3, bucket):
    """An object with everything that a copy keeps."""
    s3.put_object(Bucket=bucket, Key="a source", Body=b"content", ContentType="text/x-a",
                  CacheControl="no-store", Metadata={"colour": "blue"}, ChecksumAlgorithm="SHA256")
    return {"Bucket": bucket, "Key": "a source"}


def copy(wire, bucket, key, source, headers=()):
    return wire.request("PUT", raw.key_path(bucket, key),
                        headers={"x-amz-copy-source": source, **dict(headers)})


def multipart_object(s3, bucket, key, bodies):
    target = {"Bucket": bucket, "Key": key}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(**target, UploadId=upload, PartNumber=n,
                                                      Body=body)["ETag"]}
             for n, body in enumerate(bodies, 1)]
    return s3.complete_multipart_upload(**target, UploadId=upload,
                                        MultipartUpload={"Parts": parts})["ETag"]


def test_a_copy_keeps_what_the_source_says(s3, bucket, source):
    answer = s3.copy_object(Bucket=bucket, Key="to/copy", CopySource=source)["CopyObjectResult"]
    assert answer["ETag"] == md5_of(b"content")
    assert answer["ChecksumSHA256"] == sha256_of(b"content")
    got = s3.get_object(Bucket=bucket, Key="to/copy", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"content"
    assert (got["ETag"], got["ContentType"], got["CacheControl"], got["Metadata"]) == (
        md5_of(b"content"), "text/x-a", "no-store", {"colour": "blue"})
    assert got["ChecksumSHA256"] == answer["ChecksumSHA256"]
    assert got["LastModified"] == answer["LastModified"]
    assert s3.get_object(**source)["Body"].read() == b"content"


def test_a_copy_is_its_own_object(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    s3.put_object(**source, Body=b"other")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"content"
    s3.delete_object(**source)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"content"


def test_across_buckets_over_an_object(s3, bucket, source):
    s3.create_bucket(Bucket="copies-go-here")
    s3.put_object(Bucket="copies-go-here", Key="k", Body=b"before", Metadata={"old": "1"})
    s3.copy_object(Bucket="copies-go-here", Key="k", CopySource=source)
    got = s3.get_object(Bucket="copies-go-here", Key="k")
    assert (got["Body"].read(), got["Metadata"]) == (b"content", {"colour": "blue"})
    s3.delete_object(Bucket="copies-go-here", Key="k")
    s3.delete_bucket(Bucket="copies-go-here")


def test_replaced_metadata(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE",
                   ContentType="text/x-b", Metadata={"shape": "round"})
    got = s3.head_object(Bucket=bucket, Key="copy")
    assert (got["ContentType"], got["Metadata"]) == ("text/x-b", {"shape": "round"})
    assert "CacheControl" not in got


def test_metadata_is_not_taken_without_the_directive(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Metadata={"shape": "round"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"colour": "blue"}


def test_onto_itself(s3, source):
    with errors.refused(400, "InvalidRequest"):
        s3.copy_object(**source, CopySource=source)
    with errors.refused(400, "InvalidRequest"):
        s3.copy_object(**source, CopySource=source, MetadataDirective="COPY")
    s3.copy_object(**source, CopySource=source, MetadataDirective="REPLACE",
                   Metadata={"shape": "round"})
    got = s3.get_object(**source)
    assert (got["Body"].read(), got["Metadata"]) == (b"content", {"shape": "round"})
    answer = s3.copy_object(**source, CopySource=source, ChecksumAlgorithm="CRC32")
    assert answer["CopyObjectResult"]["ChecksumCRC32"] == crc32_of(b"content")
    assert s3.head_object(**source)["Metadata"] == {"shape": "round"}


@pytest.mark.parametrize("size", [0, 1, 4 * MIB, 9 * MIB + 5])
def test_a_checksum_that_was_asked_for(s3, bucket, size):
    body = piece("sum", size)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    answer = s3.copy_object(Bucket=bucket, Key="copy", ChecksumAlgorithm="SHA256",
                            CopySource={"Bucket": bucket, "Key": "k"})["CopyObjectResult"]
    assert (answer["ETag"], answer["ChecksumSHA256"], answer["ChecksumType"]) == (
        md5_of(body), sha256_of(body), "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == sha256_of(body)
    assert got["Body"].read() == body


@pytest.mark.parametrize("key", [
    "plain", "with space", "plus+plus", "per%cent", "ümlaut/ß", "what?is=this", "a//b", "tail/",
    "./x/../y", "?versionId=null"])
@pytest.mark.parametrize("form", ["{b}/{k}", "/{b}/{k}", "{b}/{k}?versionId=null", "%2F{b}%2F{k}"])
def test_sources_in_all_their_forms(wire, s3, bucket, key, form):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    answer = copy(wire, bucket, "copy", form.format(b=bucket, k=raw.quote(key, safe="/")))
    assert answer.status == 200, answer.body
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == key.encode()


def test_a_plus_in_a_source_is_a_space(wire, s3, bucket, source):
    assert copy(wire, bucket, "copy", f"{bucket}/a+source").status == 200


@pytest.mark.parametrize("sent", [
    "", "/", "no-slash", "bucket-only/", "//key", "{b}/%", "{b}/%zz", "{b}/%ff", "{b}/%00",
    "Bad_Bucket/k", "arn:aws:s3:us-east-1:1:accesspoint/p/object/k", "{b}/" + "x" * 1025])
def test_malformed_sources(wire, bucket, sent):
    answer = copy(wire, bucket, "copy", sent.format(b=bucket))
    errors.assert_refused(answer, 400, "InvalidArgument")


def test_missing_sources_and_targets(wire, s3, bucket, source):
    errors.assert_refused(copy(wire, bucket, "c", f"{bucket}/none"), 404, "NoSuchKey")
    errors.assert_refused(copy(wire, bucket, "c", "never-made/none"), 404, "NoSuchBucket")
    errors.assert_refused(copy(wire, "never-made", "c", f"{bucket}/a%20source"), 404,
                          "NoSuchBucket")
    errors.assert_refused(copy(wire, bucket, "c", f"{bucket}/a%20source?versionId=3"), 404,
                          "NoSuchVersion")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("header, code", [
    (("x-amz-metadata-directive", "replace"), "InvalidArgument"),
    (("x-amz-tagging-directive", "KEEP"), "InvalidArgument"),
    (("x-amz-checksum-algorithm", "CRC8"), "InvalidRequest"),
    (("x-amz-storage-class", "GLACIER"), "InvalidStorageClass")])
def test_headers_that_make_no_sense(wire, bucket, source, header, code):
    answer = copy(wire, bucket, "copy", f"{bucket}/a%20source", [header])
    errors.assert_refused(answer, 400, code)


@pytest.mark.parametrize("header", [
    ("x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256"),
    ("x-amz-server-side-encryption", "aws:kms"), ("x-amz-website-redirect-location", "/x")])
def test_headers_that_are_not_implemented(wire, bucket, source, header):
    answer = copy(wire, bucket, "copy", f"{bucket}/a%20source", [header])
    errors.assert_refused(answer, 501, "NotImplemented")


EARLIER = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)
TRUE_TAG, FALSE_TAG = md5_of(b"content"), md5_of(b"another")


@pytest.mark.parametrize("conditions, holds", [
    ({"IfMatch": TRUE_TAG}, True),
    ({"IfMatch": FALSE_TAG}, False),
    ({"IfNoneMatch": FALSE_TAG}, True),
    ({"IfNoneMatch": TRUE_TAG}, False),
    ({"IfModifiedSince": EARLIER}, True),
    ({"IfUnmodifiedSince": EARLIER}, False),
    # The reference's two pairs: a true if-match, and a false if-none-match, decide.
    ({"IfMatch": TRUE_TAG, "IfUnmodifiedSince": EARLIER}, True),
    ({"IfNoneMatch": TRUE_TAG, "IfModifiedSince": EARLIER}, False)])
def test_conditions_on_the_source(s3, bucket, source, conditions, holds):
    options = {f"CopySource{name}": value for name, value in conditions.items()}
    if holds:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, **options)
        return
    with errors.refused(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, **options)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_only_where_nothing_is(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, IfNoneMatch="*")
    with errors.refused(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, IfNoneMatch="*")


def test_replacing_only_what_was_seen(s3, bucket, source):
    with errors.refused(404, "NoSuchKey"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, IfMatch='"any"')
    there = s3.put_object(Bucket=bucket, Key="copy", Body=b"before")["ETag"]
    with errors.refused(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, IfMatch='"another"')
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"before"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, IfMatch=there)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"content"


def test_tags(s3, bucket):
    def tags(key):
        found = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    source = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**source, Body=b"x", Tagging="colour=blue", Metadata={"a": "b"})
    to = {"Bucket": bucket, "Key": "copy", "CopySource": source}
    s3.copy_object(**to)
    assert tags("copy") == {"colour": "blue"}
    s3.copy_object(**to, MetadataDirective="REPLACE", Tagging="not=taken")
    assert tags("copy") == {"colour": "blue"}
    s3.copy_object(**to, TaggingDirective="REPLACE", Tagging="shape=round&size=2%20m")
    assert tags("copy") == {"shape": "round", "size": "2 m"}
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "b"}
    s3.copy_object(**to, TaggingDirective="REPLACE")
    assert tags("copy") == {} and tags("k") == {"colour": "blue"}
    with errors.refused(400, "InvalidTag"):
        s3.copy_object(**to, TaggingDirective="REPLACE", Tagging="aws:x=1")
    # Onto itself, too: the content stays.
    s3.copy_object(**source, CopySource=source, TaggingDirective="REPLACE", Tagging="new=1")
    assert tags("k") == {"new": "1"}
    assert s3.get_object(**source)["Body"].read() == b"x"


def test_a_multipart_object_keeps_its_etag_and_parts(s3, bucket):
    bodies = [piece("one", 5 * MIB), piece("two", 6 * MIB), b"tail"]
    etag = multipart_object(s3, bucket, "big", bodies)
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})
    assert answer["CopyObjectResult"]["ETag"] == etag and etag.endswith('-3"')
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"".join(bodies)
    part = s3.get_object(Bucket=bucket, Key="copy", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (bodies[1], 3)
    # With a new checksum it is read, and is then what a PutObject would have made.
    answer = s3.copy_object(Bucket=bucket, Key="one", ChecksumAlgorithm="SHA256",
                            CopySource={"Bucket": bucket, "Key": "big"})["CopyObjectResult"]
    assert answer["ETag"] == md5_of(b"".join(bodies))
    assert answer["ChecksumSHA256"] == sha256_of(b"".join(bodies))


def test_a_file_from_outside_gets_an_md5(s3, bucket, server):
    body = piece("outside", 5 * MIB)
    (server.data / bucket / "plain.txt").write_bytes(body)
    assert s3.head_object(Bucket=bucket, Key="plain.txt")["ETag"] != md5_of(body)
    answer = s3.copy_object(Bucket=bucket, Key="copy",
                            CopySource={"Bucket": bucket, "Key": "plain.txt"})
    assert answer["CopyObjectResult"]["ETag"] == md5_of(body)
    got = s3.get_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert (got["ETag"], got["ContentType"]) == (md5_of(body), "text/plain")
    assert got["ChecksumCRC64NVME"] and got["Body"].read() == body


def test_a_source_that_rotted_is_not_copied_when_it_is_read(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"whole")
    path = server.data / bucket / "k"
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"W")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a bad disk would
    with errors.refused(500, "InternalError"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"},
                       ChecksumAlgorithm="SHA1")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_more_than_five_gib_is_for_multipart_copies(s3, bucket, server):
    with open(server.data / bucket / "huge", "wb") as file:
        file.truncate(5 * 1024 ** 3 + 1)
    with errors.refused(400, "InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "huge"})
    os.unlink(server.data / bucket / "huge")


def test_copies_are_signed(wire, s3, bucket, source):
    answer = wire.send("PUT", f"/{bucket}/copy", {"x-amz-copy-source": f"{bucket}/a%20source"})
    errors.assert_refused(answer, 403, "AccessDenied")


def s3_copies(s3, bucket, source):
    """Whether a copy is made; it may be refused for its permission only."""
    try:
        s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
        return True
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False


def test_what_may_not_be_read_may_not_be_copied(s3, bucket, source):
    s3.create_bucket(Bucket="copies-of-secrets")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    # A shard that has seen no policy looks again after a second.
    deadline = time.monotonic() + 20
    while s3_copies(s3, "copies-of-secrets", source):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket="copies-of-secrets", Key="k")
    s3.delete_bucket(Bucket="copies-of-secrets")


def test_many_at_a_time(s3, bucket):
    """More than run in the kernel at once; each is whole."""
    body = piece("many", 3 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda n: s3.copy_object(Bucket=bucket, Key=f"copy-{n}",
                                               CopySource={"Bucket": bucket, "Key": "k"}),
                      range(24)))
    assert all(s3.get_object(Bucket=bucket, Key=f"copy-{n}")["Body"].read() == body
               for n in range(24))
