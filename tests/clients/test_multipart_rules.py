"""Multipart uploads where time matters: Complete again, attempts that wake up late, uploads that
race with each other and with everything else, and uploads that nobody ends."""

import concurrent.futures
import hashlib
import socket
import threading
import time

import conftest
import errors
import pytest

PART = 5 * 1024 * 1024


def begin(client, bucket, key="k", **options):
    return client.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]


def put_part(client, bucket, upload, number, body, key="k"):
    answer = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                                Body=body)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(client, bucket, upload, parts, key="k", **options):
    return client.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **options)


def body_of(client, bucket, key="k"):
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def told(answer):
    return {name: answer.get(name) for name in ("ETag", "Location", "Bucket", "Key")}


def test_complete_again_is_answered_alike_and_changes_nothing(s3, bucket):
    upload = begin(s3, bucket)
    parts = [put_part(s3, bucket, upload, 1, b"1" * PART), put_part(s3, bucket, upload, 2, b"2")]
    first = complete(s3, bucket, upload, parts)
    for _ in range(2):
        assert told(complete(s3, bucket, upload, parts)) == told(first)
    with errors.refused(404, "NoSuchUpload"):
        complete(s3, bucket, upload, parts[:1])
    with errors.refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    with errors.refused(404, "NoSuchUpload"):
        put_part(s3, bucket, upload, 3, b"3")
    assert body_of(s3, bucket) == b"1" * PART + b"2"
    # What came later under the key is not undone by a client that asks again.
    s3.put_object(Bucket=bucket, Key="k", Body=b"later")
    assert told(complete(s3, bucket, upload, parts)) == told(first)
    assert body_of(s3, bucket) == b"later"


def test_complete_again_after_a_restart(start_server):
    server = start_server()
    client = conftest.make_client(server)
    client.create_bucket(Bucket="kept")
    upload = begin(client, "kept")
    parts = [put_part(client, "kept", upload, 1, b"x")]
    first = complete(client, "kept", upload, parts)
    server.stop()
    again = conftest.make_client(start_server())
    answer = complete(again, "kept", upload, parts)
    assert (answer["ETag"], answer["Key"]) == (first["ETag"], "k")
    with errors.refused(404, "NoSuchUpload"):
        again.abort_multipart_upload(Bucket="kept", Key="k", UploadId=upload)


def test_many_completes_at_once_end_as_one(s3, bucket):
    upload = begin(s3, bucket)
    parts = [put_part(s3, bucket, upload, number, bytes([number]) * PART) for number in (1, 2)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: complete(s3, bucket, upload, parts), range(8)))
    assert len({answer["ETag"] for answer in answers}) == 1
    assert body_of(s3, bucket) == b"\1" * PART + b"\2" * PART


def test_an_upload_that_nobody_ends_is_removed_at_its_age(start_server):
    """Its id has the time of its creation, so that it can be made older here."""
    server = start_server()
    client = conftest.make_client(server)
    client.create_bucket(Bucket="aged")
    young, old = begin(client, "aged", "young"), begin(client, "aged", "old")
    put_part(client, "aged", old, 1, b"x", "old")
    folder = server.data / "aged" / ".mr.sys" / "uploads"
    older = f"{int(old[:12], 16) - 3 * 86_400_000:012x}{old[12:]}"
    (folder / old).rename(folder / older)
    server.stop()
    for arguments, left in (((), 2), (("--uploads-age-max", "4"), 2),
                            (("--uploads-age-max", "2"), 1)):
        server = start_server(*arguments)
        # The round at start, which tells its end: what it has left stays for an hour.
        deadline = time.monotonic() + 60
        while "buckets swept" not in server.output():
            assert time.monotonic() < deadline, server.output()
            time.sleep(0.02)
        client = conftest.make_client(server)
        found = [u["Key"] for u in client.list_multipart_uploads(Bucket="aged")["Uploads"]]
        assert len(found) == left, (arguments, found)
        server.stop()
    assert found == ["young"]
    assert sorted(path.name for path in folder.iterdir()) == [young]


class Attempt:
    """One UploadPart over a socket of its own, that stops in the middle and goes on when told."""

    def __init__(self, wire, bucket, upload, number, body):
        path, query = f"/{bucket}/k", [("partNumber", str(number)), ("uploadId", upload)]
        headers = wire.signed_headers("PUT", path, query, {}, body)
        host, port = wire.host.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        head = f"PUT {wire.target(path, query)} HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        self.rest = body[len(body) // 2:]
        self.socket.sendall(head.encode() + body[:len(body) // 2])

    def go_on(self):
        """The status of the answer; None when the server has closed the connection."""
        with self.socket:
            try:
                self.socket.sendall(self.rest)
                answer = self.socket.recv(1024)
            except ConnectionError:
                return None
        return int(answer.split()[1]) if answer else None


def claims(server, bucket, upload):
    folder = server.data / bucket / ".mr.sys" / "uploads" / upload
    return [path.name for path in folder.iterdir() if path.name.startswith("claim.")]


def wait_for_claim(server, bucket, upload, number):
    deadline = time.monotonic() + 30
    while f"claim.{PART}.{number}" not in claims(server, bucket, upload):
        assert time.monotonic() < deadline, claims(server, bucket, upload)
        time.sleep(0.02)


@pytest.mark.parametrize("again", [True, False])
def test_an_attempt_that_wakes_up_after_complete_changes_nothing(s3, wire, server, bucket, again):
    """The first attempt at a part stalls with its slot claimed and half written; either another
    attempt at it is completed, or the upload without it."""
    upload = begin(s3, bucket)
    stalled = Attempt(wire, bucket, upload, 2, b"S" * PART)
    wait_for_claim(server, bucket, upload, 2)
    parts = [put_part(s3, bucket, upload, 1, b"1" * PART)]
    whole = b"1" * PART
    if again:
        parts.append(put_part(s3, bucket, upload, 2, b"2" * PART))
        whole += b"2" * PART
    done = complete(s3, bucket, upload, parts)
    assert body_of(s3, bucket) == whole
    assert stalled.go_on() in (404, None)
    assert body_of(s3, bucket) == whole
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == done["ETag"]
    folder = server.data / bucket / ".mr.sys" / "uploads"
    assert [path.name for path in folder.iterdir()] == [f"c-{upload}"]


def test_uploads_race_with_each_other_with_aborts_puts_and_deletes(s3, bucket):
    """Whoever wins, the key has one whole version or none, and nothing is left behind."""
    rounds, seen = 3, set()

    def version(number):
        return b"%d" % number * 3

    def outcome(act):
        try:
            act()
            return 200
        except s3.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            assert code in ("NoSuchUpload", "ConditionalRequestConflict"), error
            return code

    for _ in range(rounds):
        uploads = [begin(s3, bucket) for _ in range(4)]
        listed = [[put_part(s3, bucket, upload, 1, version(n))]
                  for n, upload in enumerate(uploads)]
        acts = [lambda u=u, p=p: complete(s3, bucket, u, p) for u, p in zip(uploads, listed)]
        acts += [lambda u=u: s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=u)
                 for u in uploads[:2]]
        acts += [lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"put"),
                 lambda: s3.delete_object(Bucket=bucket, Key="k")]
        gate = threading.Barrier(len(acts))
        with concurrent.futures.ThreadPoolExecutor(len(acts)) as pool:
            ends = list(pool.map(lambda act: (gate.wait(), outcome(act))[1], acts))
        # An upload is completed or aborted, never both and never neither.
        for number in range(2):
            assert sorted([ends[number], ends[4 + number]], key=str) == [200, "NoSuchUpload"], ends
        assert ends[2:4] == [200, 200] and ends[6:] == [200, 200]
        try:
            got = s3.get_object(Bucket=bucket, Key="k")
        except s3.exceptions.NoSuchKey:
            continue
        body = got["Body"].read()
        if body == b"put":
            assert got["ETag"] == f'"{hashlib.md5(b"put").hexdigest()}"'
        else:
            assert body in [version(n) for n in range(4)] and got["ETag"].endswith('-1"')
        seen.add(body)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_one_part_by_many_at_once(s3, bucket):
    upload = begin(s3, bucket)
    bodies = [bytes([65 + n]) * PART for n in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda body: put_part(s3, bucket, upload, 1, body), bodies))
    listed, = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    newest = next(n for n, part in enumerate(parts) if part["ETag"] == listed["ETag"])
    for number, part in enumerate(parts):
        if number != newest:
            with errors.refused(400, "InvalidPart"):
                complete(s3, bucket, upload, [part])
    complete(s3, bucket, upload, [parts[newest]])
    assert body_of(s3, bucket) == bodies[newest]


def test_the_size_that_complete_expects(s3, bucket):
    upload = begin(s3, bucket)
    parts = [put_part(s3, bucket, upload, 1, b"12345")]
    with errors.refused(400, "InvalidRequest"):
        complete(s3, bucket, upload, parts, MpuObjectSize=6)
    complete(s3, bucket, upload, parts, MpuObjectSize=5)


def test_pages_of_uploads(s3, bucket):
    made = [(key, begin(s3, bucket, key)) for key in ("a", "p--1", "p--2", "p-x", "q", "q", "r ü")]
    everything = s3.list_multipart_uploads(Bucket=bucket)
    ordered = [(u["Key"], u["UploadId"]) for u in everything["Uploads"]]
    assert ordered == sorted(made, key=lambda each: (each[0].encode(), each[1]))
    for upload in everything["Uploads"]:
        assert upload["StorageClass"] == "STANDARD" and upload["Owner"] and upload["Initiator"]
    # A delimiter of two bytes; prefixes count toward the page like uploads do.
    shown, position = [], {}
    for _ in range(10):
        page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="--", MaxUploads=2, **position)
        entries = [u["Key"] for u in page.get("Uploads", [])]
        entries += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert len(entries) <= 2
        shown += entries
        if not page["IsTruncated"]:
            break
        position = {"KeyMarker": page["NextKeyMarker"],
                    "UploadIdMarker": page.get("NextUploadIdMarker", "")}
    assert sorted(shown) == ["a", "p--", "p-x", "q", "q", "r ü"]
    # Within one key the id is the position; without the key marker it has no meaning.
    q1, q2 = (upload for key, upload in ordered if key == "q")
    behind = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="q", UploadIdMarker=q1)
    assert [u["UploadId"] for u in behind["Uploads"]][0] == q2
    assert len(s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker=q1)["Uploads"]) == 7
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, KeyMarker="q")["Uploads"]] \
        == ["r ü"]
    with errors.refused(400, "InvalidArgument"):
        s3.list_multipart_uploads(Bucket=bucket, KeyMarker="q", UploadIdMarker="none of ours")


def test_uploads_with_encoded_keys(wire, s3, bucket):
    begin(s3, bucket, "a b/ü+")
    page = wire.request("GET", f"/{bucket}", [("uploads", ""), ("encoding-type", "url"),
                                              ("prefix", "a b"), ("delimiter", "+")]).xml()
    assert page.findtext("EncodingType") == "url" and page.findtext("Prefix") == "a+b"
    assert page.findtext("Delimiter") == "%2B"
    assert page.findtext("CommonPrefixes/Prefix") == "a+b/%C3%BC%2B"
