"""aws-chunked bodies, as SDKs send them: signed chunk by chunk, or with a checksum in a trailer
(AWS: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks"). A body that does not prove itself leaves nothing behind."""

import base64
import hashlib
import hmac
import zlib

import errors
import pytest

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY = hashlib.sha256(b"").hexdigest()
CHUNK = 64 * 1024
BODY = bytes(range(256)) * 1000


def pieces(body):
    return [body[at:at + CHUNK] for at in range(0, len(body), CHUNK)] + [b""]


def signing_key(wire, scope):
    key = f"AWS4{wire.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signed_chunks(wire, headers, body):
    """The chunks of a body, each signature chained to the one before, from the seed on."""
    authorization, stamp = headers["Authorization"], headers["x-amz-date"]
    scope = authorization.split("/", 1)[1].split(",")[0]
    signature = authorization.rsplit("=", 1)[1]
    key, chunks = signing_key(wire, scope), []
    for piece in pieces(body):
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, signature, EMPTY,
                          hashlib.sha256(piece).hexdigest()])
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        head = f"{len(piece):x};chunk-signature={signature}\r\n".encode()
        chunks.append(head + piece + b"\r\n")
    return chunks


def head_of(wire, path, payload, length, encoded_length, **extra):
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(length),
               "content-length": str(encoded_length), **extra}
    return wire.signed_headers("PUT", path, [], headers, b"", payload=payload)


def send_signed(wire, path, body, spoil=lambda chunks: chunks, length=None):
    length = len(body) if length is None else length
    probe = head_of(wire, path, SIGNED, length, 0)
    size = len(b"".join(spoil(signed_chunks(wire, probe, body))))
    headers = head_of(wire, path, SIGNED, length, size)
    return send(wire, path, headers, b"".join(spoil(signed_chunks(wire, headers, body))))


def send(wire, path, headers, body):
    headers["Content-Length"] = headers.pop("content-length")
    return wire.send("PUT", path, headers, body)


def trailer_body(body, checksum, name="x-amz-checksum-crc32"):
    chunks = b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces(body)[:-1])
    return chunks + b"0\r\n" + f"{name}:{checksum}\r\n\r\n".encode()


def send_trailer(wire, path, body, checksum, **options):
    text = trailer_body(body, checksum, **options)
    headers = head_of(wire, path, TRAILER, len(body), len(text),
                      **{"x-amz-trailer": "x-amz-checksum-crc32"})
    return send(wire, path, headers, text)


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def assert_absent(s3, bucket):
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("body", [b"", b"x", BODY, BODY[:CHUNK]])
def test_signed_chunks(wire, s3, bucket, body):
    answer = send_signed(wire, f"/{bucket}/k", body)
    assert answer.status == 200, answer.body
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body and got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got.get("ContentEncoding", "") == "", "aws-chunked is no encoding of the object"


@pytest.mark.parametrize("spoil", [
    lambda c: [c[0][:-3] + b"!\r\n", *c[1:]],  # other bytes in the first chunk
    lambda c: [*c[:-2], c[-2][:-3] + b"!\r\n", c[-1]],  # in the last one with data
    lambda c: [c[1], c[0], *c[2:]],  # two chunks exchanged
    lambda c: [*c[:-1], c[-1].replace(b"chunk-signature=", b"chunk-signature=0")[:-5] + b"\r\n\r\n"],
])
def test_spoilt_chunks_leave_nothing(wire, s3, bucket, spoil):
    answer = send_signed(wire, f"/{bucket}/k", BODY, spoil)
    assert answer.status in (400, 403), answer.body
    assert_absent(s3, bucket)


@pytest.mark.parametrize("length", [len(BODY) - 1, len(BODY) + 1])
def test_the_decoded_length_must_be_true(wire, s3, bucket, length):
    assert send_signed(wire, f"/{bucket}/k", BODY, length=length).status == 400
    assert_absent(s3, bucket)


@pytest.mark.parametrize("body", [b"", b"x", BODY])
def test_a_checksum_in_the_trailer(wire, s3, bucket, body):
    answer = send_trailer(wire, f"/{bucket}/k", body, crc32(body))
    assert answer.status == 200, answer.body
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_a_wrong_or_missing_trailer_leaves_nothing(wire, s3, bucket):
    answer = send_trailer(wire, f"/{bucket}/k", BODY, crc32(b"other"))
    errors.assert_refused(answer, 400, "BadDigest")
    assert_absent(s3, bucket)
    answer = send_trailer(wire, f"/{bucket}/k", BODY, crc32(BODY), name="x-amz-checksum-sha1")
    assert answer.status == 400, answer.body
    assert_absent(s3, bucket)
