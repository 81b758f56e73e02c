"""UploadPartCopy: parts from objects and from ranges of them, and a managed copy as SDKs do it."""

import base64
import hashlib
import zlib

import boto3.s3.transfer
import errors
import pytest

MIB = 1024 * 1024
PART = 5 * MIB


def piece(seed, size):
    block = hashlib.sha256(seed.encode()).digest() * (MIB // 32)
    return (block * (size // MIB + 1))[:size]


def md5_of(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


class Upload:
    def __init__(self, s3, bucket, **options):
        self.s3, self.target = s3, {"Bucket": bucket, "Key": "big"}
        self.id = s3.create_multipart_upload(**self.target, **options)["UploadId"]
        self.parts = []

    def copy(self, number, key, first=None, last=None, **options):
        if first is not None:
            options["CopySourceRange"] = f"bytes={first}-{last}"
        source = {"Bucket": self.target["Bucket"], "Key": key}
        answer = self.s3.upload_part_copy(**self.target, UploadId=self.id, PartNumber=number,
                                          CopySource=source, **options)["CopyPartResult"]
        sums = {name: text for name, text in answer.items()
                if name.startswith("Checksum") and name != "ChecksumType"}
        self.parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
        return answer

    def complete(self):
        return self.s3.complete_multipart_upload(**self.target, UploadId=self.id,
                                                 MultipartUpload={"Parts": self.parts})

    def body(self):
        return self.s3.get_object(**self.target)["Body"].read()


@pytest.fixture
def upload(s3, bucket):
    return Upload(s3, bucket)


@pytest.fixture
def source(s3, bucket):
    body = piece("source", 2 * PART + 1234)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    return body


def test_whole_objects_and_ranges(s3, bucket, upload, source):
    assert upload.copy(1, "source")["ETag"] == md5_of(source)
    assert upload.copy(2, "source", 7, PART + 6)["ETag"] == md5_of(source[7:PART + 7])
    assert upload.copy(3, "source", 0, 0)["ETag"] == md5_of(source[:1])
    listed = s3.list_parts(**upload.target, UploadId=upload.id)["Parts"]
    assert [part["Size"] for part in listed] == [len(source), PART, 1]
    upload.complete()
    assert upload.body() == source + source[7:PART + 7] + source[:1]
    assert s3.get_object(Bucket=bucket, Key="source")["Body"].read() == source


def test_copied_and_sent_parts_together(s3, upload, source):
    upload.copy(1, "source", 0, PART - 1)
    sent = s3.upload_part(**upload.target, UploadId=upload.id, PartNumber=2, Body=b"tail")
    upload.parts.append({"PartNumber": 2, "ETag": sent["ETag"]})
    upload.complete()
    assert upload.body() == source[:PART] + b"tail"


@pytest.mark.parametrize("whole", [True, False])
def test_the_checksum_of_the_upload_is_computed(s3, bucket, source, whole):
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    ends = () if whole else (0, len(source) - 2)
    copied = source if whole else source[:-1]
    crc = base64.b64encode(zlib.crc32(copied).to_bytes(4, "big")).decode()
    assert upload.copy(1, "source", *ends)["ChecksumCRC32"] == crc
    assert upload.complete()["ChecksumCRC32"] == crc


def test_parts_from_a_multipart_object_and_from_a_file(s3, bucket, upload, source, server):
    upload.copy(1, "source")
    upload.complete()
    (server.data / bucket / "file").write_bytes(source)
    second = Upload(s3, bucket)
    assert second.copy(1, "big")["ETag"] == md5_of(source)
    assert second.copy(2, "file")["ETag"] == md5_of(source)
    second.complete()
    assert second.body() == source + source


def test_conditions(upload, source):
    upload.copy(1, "source", CopySourceIfMatch=md5_of(source))
    with errors.refused(412, "PreconditionFailed"):
        upload.copy(2, "source", CopySourceIfNoneMatch=md5_of(source))


@pytest.mark.parametrize("sent", ["0-1", "bytes=0", "bytes=-5", "bytes=5-", "bytes=2-1",
                                  "bytes=0-1,3-4", "bytes=a-b", "bytes=0-999999999999",
                                  "bytes=99999999999999999999-99999999999999999999"])
def test_ranges_that_are_none(wire, bucket, upload, source, sent):
    answer = wire.request("PUT", f"/{bucket}/big", [("partNumber", "1"), ("uploadId", upload.id)],
                          {"x-amz-copy-source": f"{bucket}/source",
                           "x-amz-copy-source-range": sent})
    errors.assert_refused(answer, 400, "InvalidArgument")


def test_what_is_not_there(s3, bucket, upload, source):
    with errors.refused(404, "NoSuchKey"):
        upload.copy(1, "none")
    upload.id = "0" * 44
    with errors.refused(404, "NoSuchUpload"):
        upload.copy(1, "source")


@pytest.mark.parametrize("number", ["0", "10001", "x"])
def test_part_numbers(wire, bucket, upload, source, number):
    answer = wire.request("PUT", f"/{bucket}/big",
                          [("partNumber", number), ("uploadId", upload.id)],
                          {"x-amz-copy-source": f"{bucket}/source"})
    errors.assert_refused(answer, 400, "InvalidArgument")


def test_more_than_five_gib(s3, bucket, upload, server):
    with open(server.data / bucket / "huge", "wb") as file:
        file.truncate(5 * 1024 ** 3 + 1)
    with errors.refused(400, "InvalidRequest"):
        upload.copy(1, "huge")
    (server.data / bucket / "huge").unlink()


def test_a_managed_copy(s3, bucket):
    body = piece("managed", 23 * MIB + 5)
    s3.put_object(Bucket=bucket, Key="source", Body=body, Metadata={"colour": "blue"})
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB,
                                              multipart_chunksize=8 * MIB, max_concurrency=4)
    s3.copy({"Bucket": bucket, "Key": "source"}, bucket, "big", Config=config)
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == body and got["ETag"].endswith('-3"')
