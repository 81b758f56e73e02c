"""Multipart uploads: assembled exactly as listed, whatever came, in whatever order."""

import concurrent.futures
import hashlib
import io

import boto3.s3.transfer
import errors
import pytest

MIB = 1024 * 1024
PART = 5 * MIB  # AWS's minimum for every part but the last


def piece(number, size=PART):
    block = hashlib.sha256(b"part %d" % number).digest() * (MIB // 32)
    return (block * (size // MIB + 1))[:size]


def etag_of(parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


class Upload:
    """One upload of one key, with less to write in each test."""

    def __init__(self, client, bucket, key="big", **options):
        self.client, self.target = client, {"Bucket": bucket, "Key": key}
        self.id = client.create_multipart_upload(**self.target, **options)["UploadId"]

    def part(self, number, body):
        answer = self.client.upload_part(**self.target, UploadId=self.id, PartNumber=number,
                                         Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete(self, parts):
        return self.client.complete_multipart_upload(
            **self.target, UploadId=self.id, MultipartUpload={"Parts": parts})

    def abort(self):
        self.client.abort_multipart_upload(**self.target, UploadId=self.id)

    def body(self):
        return self.client.get_object(**self.target)["Body"].read()


@pytest.fixture
def upload(s3, bucket):
    return Upload(s3, bucket)


def test_parts_in_any_order(s3, bucket):
    upload = Upload(s3, bucket, ContentType="video/mp4", Metadata={"camera": "2"})
    bodies = [piece(1), piece(2), piece(3, MIB + 7)]
    done = {number: upload.part(number, bodies[number - 1]) for number in (3, 1, 2)}
    assert done[1]["ETag"] == f'"{hashlib.md5(bodies[0]).hexdigest()}"'
    with errors.refused(404, "NoSuchKey"):
        upload.body()
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert upload.complete([done[1], done[2], done[3]])["ETag"] == etag_of(bodies)
    assert upload.body() == b"".join(bodies)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert (head["ETag"], head["ContentType"], head["Metadata"]) == (
        etag_of(bodies), "video/mp4", {"camera": "2"})
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_in_parallel(upload):
    bodies = [piece(number) for number in range(1, 7)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        parts = list(pool.map(upload.part, range(1, 7), bodies))
    assert upload.complete(parts)["ETag"] == etag_of(bodies)
    assert upload.body() == b"".join(bodies)


def test_a_part_sent_again_replaces_the_first(upload):
    upload.part(1, piece(9))
    last = upload.part(2, b"tail")
    again = upload.part(1, piece(1))
    upload.complete([again, last])
    assert upload.body() == piece(1) + b"tail"


def test_a_part_sent_again_with_another_size(upload):
    upload.part(1, piece(9))
    last = upload.part(2, b"tail")
    again = upload.part(1, piece(1, PART + 12345))
    upload.complete([again, last])
    assert upload.body() == piece(1, PART + 12345) + b"tail"


def test_parts_of_different_sizes(upload):
    bodies = [piece(1), piece(2, 7 * MIB + 1), piece(3, 6 * MIB), piece(4, 1)]
    upload.complete([upload.part(n, body) for n, body in enumerate(bodies, 1)])
    assert upload.body() == b"".join(bodies)


def test_only_the_listed_parts_count_and_numbers_may_have_gaps(upload):
    first, _, last = upload.part(2, piece(2)), upload.part(3, piece(3)), upload.part(10000, b"end")
    assert upload.complete([first, last])["ETag"] == etag_of([piece(2), b"end"])
    assert upload.body() == piece(2) + b"end"


def test_an_upload_replaces_the_object_only_when_complete(s3, bucket, upload):
    s3.put_object(Bucket=bucket, Key="big", Body=b"old")
    part = upload.part(1, b"new")
    assert upload.body() == b"old"
    upload.complete([part])
    assert upload.body() == b"new"


def test_what_complete_refuses(upload):
    one, two = upload.part(1, piece(1)), upload.part(2, b"small")
    with errors.refused(400, "InvalidPart"):
        upload.complete([{**one, "ETag": f'"{"0" * 32}"'}])
    with errors.refused(400, "InvalidPart"):
        upload.complete([one, {"PartNumber": 7, "ETag": two["ETag"]}])
    with errors.refused(400, "InvalidPartOrder"):
        upload.complete([two, one])
    with errors.refused(400, "MalformedXML"):
        upload.complete([])
    three = upload.part(3, b"last")
    with errors.refused(400, "EntityTooSmall"):
        upload.complete([one, two, three])
    upload.complete([one, three])  # none of these refusals ended the upload


@pytest.mark.parametrize("number", [0, 10001, -1])
def test_part_numbers_have_bounds(upload, number):
    with errors.refused(400, "InvalidArgument"):
        upload.part(number, b"x")


def test_abort(s3, bucket, upload):
    upload.part(1, b"x")
    upload.abort()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with errors.refused(404, "NoSuchUpload"):
        upload.part(1, b"x")
    with errors.refused(404, "NoSuchUpload"):
        s3.list_parts(Bucket=bucket, Key="big", UploadId=upload.id)
    with errors.refused(404, "NoSuchUpload"):
        upload.complete([{"PartNumber": 1, "ETag": '"x"'}])
    with errors.refused(404, "NoSuchKey"):
        upload.body()


@pytest.mark.parametrize("made_up", ["nonsense", "../../../etc", "a" * 500])
def test_an_upload_that_never_was(s3, bucket, made_up):
    with errors.refused(404, "NoSuchUpload"):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=made_up, PartNumber=1, Body=b"x")
    with errors.refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=made_up)


def test_an_upload_belongs_to_its_key(s3, bucket, upload):
    with errors.refused(404, "NoSuchUpload"):
        s3.upload_part(Bucket=bucket, Key="other", UploadId=upload.id, PartNumber=1, Body=b"x")


def test_list_parts(s3, bucket, upload):
    sent = [upload.part(number, b"p" * number) for number in (1, 2, 5, 9)]
    whole = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload.id)
    assert [(p["PartNumber"], p["ETag"], p["Size"]) for p in whole["Parts"]] == [
        (p["PartNumber"], p["ETag"], p["PartNumber"]) for p in sent]
    assert not whole["IsTruncated"]
    numbers, marker = [], 0
    for _ in range(4):
        page = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload.id, MaxParts=1,
                             PartNumberMarker=marker)
        numbers += [part["PartNumber"] for part in page["Parts"]]
        marker = page.get("NextPartNumberMarker")
    assert numbers == [1, 2, 5, 9] and not page["IsTruncated"]


def test_list_uploads(s3, bucket):
    made = [(key, Upload(s3, bucket, key).id) for key in ("a/1", "a/2", "b", "b", "c d")]
    whole = s3.list_multipart_uploads(Bucket=bucket)
    listed = [(u["Key"], u["UploadId"]) for u in whole["Uploads"]]
    assert sorted(listed) == sorted(made)
    assert [key for key, _ in listed] == ["a/1", "a/2", "b", "b", "c d"]
    below = s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")
    assert [u["Key"] for u in below["Uploads"]] == ["a/1", "a/2"]
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["a/"]
    assert [u["Key"] for u in rolled["Uploads"]] == ["b", "b", "c d"]
    found, position = [], {}
    for _ in range(5):
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1, **position)
        found += [(u["Key"], u["UploadId"]) for u in page["Uploads"]]
        position = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
        if not page["IsTruncated"]:
            break
    assert found == listed


def test_reading_one_part(s3, bucket, upload):
    bodies = [piece(1), piece(2, 6 * MIB), b"end"]
    upload.complete([upload.part(n, body) for n, body in enumerate(bodies, 1)])
    for number, body in enumerate(bodies, 1):
        got = s3.get_object(Bucket=bucket, Key="big", PartNumber=number)
        assert got["Body"].read() == body and got["PartsCount"] == 3
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    with errors.refused(416, "InvalidPartNumber"):
        s3.get_object(Bucket=bucket, Key="big", PartNumber=4)


def test_ranges_across_parts(s3, bucket, upload):
    whole = piece(1) + piece(2)
    upload.complete([upload.part(1, piece(1)), upload.part(2, piece(2))])
    got = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={PART - 5}-{PART + 4}")
    assert got["Body"].read() == whole[PART - 5:PART + 5]


def test_two_uploads_of_one_key_do_not_mix(s3, bucket):
    first, second = Upload(s3, bucket), Upload(s3, bucket)
    of_first, of_second = first.part(1, b"first"), second.part(1, b"second")
    second.complete([of_second])
    assert second.body() == b"second"
    first.complete([of_first])
    assert first.body() == b"first"


def test_the_transfer_manager(s3, bucket, tmp_path):
    path, back = tmp_path / "out", tmp_path / "back"
    path.write_bytes(b"".join(piece(number) for number in range(4)))
    s3.upload_file(str(path), bucket, "managed")
    assert s3.head_object(Bucket=bucket, Key="managed")["ETag"].endswith('-3"')
    s3.download_file(bucket, "managed", str(back))
    assert back.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("key", [
    "a b/ü+%25&?#=.bin", "//leading//and/trailing//", "a/.mr.f", "./..x/...", "日本/" + "n" * 300,
    "line\nbreak\ttab", "<tag>&amp;'\"", "🎈~*(!)"])
def test_the_transfer_manager_with_odd_keys(s3, bucket, key):
    """In parts there, in ranges back, and copied in parts within the server."""
    body = piece(1, 11 * MIB)
    parts = boto3.s3.transfer.TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    s3.upload_fileobj(io.BytesIO(body), bucket, key, Config=parts)
    s3.copy({"Bucket": bucket, "Key": key}, bucket, key + "copied", Config=parts)
    for name in (key, key + "copied"):
        assert s3.head_object(Bucket=bucket, Key=name)["ETag"].endswith('-3"')
        back = io.BytesIO()
        s3.download_fileobj(bucket, name, back, Config=parts)
        assert back.getvalue() == body
