"""The largest uploads, on xfs, which shares blocks: one object is the content of all parts, so
that 5 TiB take the room of 5 GiB. An hour of data in seconds: nothing is read or written."""

import http.client
import time

import ledger
import probes
import pytest
import raw

BUCKET = "large"
GIB = 1024 ** 3
IMAGE_MIB = 8 * 1024 ** 2  # a hole, nearly all of it
ASK_S = 300


def put_zeros(client, path, size):
    """One PutObject that is sent in pieces."""
    headers = client.signed_headers("PUT", path, (), {}, b"", payload="UNSIGNED-PAYLOAD")
    connection = http.client.HTTPConnection(client.host, timeout=ASK_S)
    connection.putrequest("PUT", path, skip_host=True, skip_accept_encoding=True)
    for name, value in {**headers, "Content-Length": str(size)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    piece = bytes(1 << 20)
    for begin in range(0, size, len(piece)):
        connection.send(piece[:size - begin])
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()
    return answer.headers["ETag"]


@pytest.mark.long
@pytest.mark.parametrize("count, size", [(1024, 5 * GIB), (10_000, 5 * 1024 ** 2)])
def test_the_largest_upload(loop, start, count, size):
    image = loop("xfs", IMAGE_MIB, "-l", "size=64m", "-K")
    data = image.path / "data"
    data.mkdir()
    server = start(data, "--durability", "none")
    client = probes.signed(server)
    client.timeout_s = ASK_S
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    etag = put_zeros(client, raw.key_path(BUCKET, "source"), size)
    path = raw.key_path(BUCKET, "whole")
    upload = client.request("POST", path, [("uploads", "")]).xml().findtext("UploadId")
    source = {"x-amz-copy-source": f"/{BUCKET}/source"}
    for number in range(1, count + 1):
        answer = client.request("PUT", path, [("partNumber", str(number)), ("uploadId", upload)],
                                source)
        assert answer.status == 200 and answer.xml().findtext("ETag") == etag, answer.body
    listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                     for number in range(1, count + 1))
    began = time.monotonic()
    answer = client.request("POST", path, [("uploadId", upload)], body=(
        f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>").encode())
    print(f"completing {count} parts of {size} bytes: {time.monotonic() - began:.2f} s")
    assert answer.xml().tag == "CompleteMultipartUploadResult", answer.body
    whole = count * size
    head = client.request("HEAD", path)
    assert head.headers["Content-Length"] == str(whole)
    assert head.headers["ETag"].endswith(f'-{count}"')
    for first in (0, whole // 2 - 5, whole - 10):
        got = client.request("GET", path, (), {"Range": f"bytes={first}-{first + 9}"})
        assert (got.status, got.body) == (206, bytes(10))
        assert got.headers["Content-Range"] == f"bytes {first}-{first + 9}/{whole}"
    last = client.request("HEAD", path, [("partNumber", str(count))])
    assert last.headers["Content-Range"] == f"bytes {whole - size}-{whole - 1}/{whole}"
    assert last.headers["x-amz-mp-parts-count"] == str(count)
    assert client.request("DELETE", path).status == 204
