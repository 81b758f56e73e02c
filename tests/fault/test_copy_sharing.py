"""Copies, part copies and appends on filesystems of their own: on xfs they share blocks, so that
they cost no room; on ext4 they cost it, and are as right."""

import hashlib
import os

import loop_mount
import probes
import pytest
import raw

MIB = 1024 * 1024
BODY = hashlib.sha256(b"copied").digest() * (24 * MIB // 32)
ETAG = f'"{hashlib.md5(BODY).hexdigest()}"'
SOURCE = {"x-amz-copy-source": "copies/source"}
# What metadata and late allocation may take.
SLACK_BYTES = 12 * MIB


class Served:
    def __init__(self, server, image):
        self.wire, self.path = probes.signed(server, 60), image.path
        self.ask("PUT", "/copies")
        self.ask("PUT", "/copies/source", body=BODY)

    def ask(self, method, path, query=(), headers=(), body=b""):
        answer = self.wire.request(method, path, query, headers, body=body)
        assert answer.status == 200, (answer.status, answer.body)
        return answer

    def used_bytes(self):
        loop_mount.run("xfs_io", "-c", "syncfs", str(self.path))
        state = os.statvfs(self.path)
        return (state.f_blocks - state.f_bfree) * state.f_frsize

    def body(self, key):
        return self.ask("GET", raw.key_path("copies", key)).body


@pytest.mark.parametrize("kind, shares", [("xfs", True), ("ext4", False)])
def test_copies(loop, start, kind, shares):
    image = loop(kind, 400)
    served = Served(start(image.data), image)
    before = served.used_bytes()

    assert served.ask("PUT", "/copies/copy", headers=SOURCE).xml().findtext("ETag") == ETAG
    # A new checksum is read, and nothing is written for it.
    served.ask("PUT", "/copies/read", headers={**SOURCE, "x-amz-checksum-algorithm": "SHA1"})

    upload = served.ask("POST", "/copies/parts", [("uploads", "")]).xml().findtext("UploadId")
    ends = {1: None, 2: (0, 8 * MIB - 1), 3: (8 * MIB, 24 * MIB - 1)}
    listed = ""
    for number, slice_ in ends.items():
        headers = dict(SOURCE)
        if slice_:
            headers["x-amz-copy-source-range"] = f"bytes={slice_[0]}-{slice_[1]}"
        part = served.ask("PUT", "/copies/parts",
                          [("partNumber", str(number)), ("uploadId", upload)], headers)
        listed += f"<Part><PartNumber>{number}</PartNumber>" \
                  f"<ETag>{part.xml().findtext('ETag')}</ETag></Part>"
    served.ask("POST", "/copies/parts", [("uploadId", upload)], body=(
        f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>").encode())

    served.ask("PUT", "/copies/copy", headers={"x-amz-write-offset-bytes": str(len(BODY))},
               body=b"appended")

    grown = served.used_bytes() - before
    copied = 4 * len(BODY)  # copy, read, and parts of twice the size
    assert grown < SLACK_BYTES if shares else grown > copied - SLACK_BYTES, grown
    assert served.body("copy") == BODY + b"appended"
    assert served.body("read") == BODY
    assert served.body("parts") == BODY + BODY
    assert served.body("source") == BODY


def test_a_copy_that_does_not_fit_leaves_nothing(loop, start):
    image = loop("ext4", 72, "-b", "4096", "-m", "0")
    served = Served(start(image.data), image)
    served.ask("PUT", "/copies/first", headers=SOURCE)
    answer = served.wire.request("PUT", "/copies/second", headers=SOURCE)
    assert (answer.status, answer.code) == (507, "InsufficientStorage"), answer.body
    assert served.wire.request("GET", "/copies/second").status == 404
    assert served.wire.request("DELETE", "/copies/first").status == 204
    served.ask("PUT", "/copies/second", headers=SOURCE)
    assert served.body("second") == BODY
