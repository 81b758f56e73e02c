"""Full filesystems: writes are refused with 507, reads go on, deletes make room, and nothing is
left of what did not fit."""

import ledger
import probes
import pytest
import raw
import writers

BUCKET = writers.BUCKET
KEPT = ledger.body_of(1, 200_000)
PIECE = 4 * ledger.MIB


@pytest.fixture
def small(loop, start):
    """small(MiB, *mkfs options) -> a server on an ext4 of that size, with one object."""
    def make(mib, *options):
        server = start(loop("ext4", mib, "-b", "4096", "-m", "0", *options).data)
        wire = ledger.Wire(server)
        wire.ask("PUT", f"/{BUCKET}")
        wire.put(BUCKET, "kept", KEPT)
        return server
    return make


def put(server, key, body):
    return probes.signed(server).request("PUT", raw.key_path(BUCKET, key), body=body)


def assert_refused(answer):
    assert answer.status == 507, (answer.status, answer.body)
    assert answer.code == "InsufficientStorage", answer.body
    assert answer.xml().findtext("Message")


def assert_reads_go_on(server, expected):
    client = probes.signed(server)
    assert client.request("GET", raw.key_path(BUCKET, "kept")).body == KEPT
    assert probes.wait_for_ready(server, True, 3) == "ready"
    assert set(ledger.Wire(server).listing(BUCKET)) == expected


def fill(server, prefix, body, at_most):
    """Keys that found room, up to the first refusal, which is returned as well."""
    keys = []
    for n in range(at_most):
        answer = put(server, f"{prefix}-{n}", body)
        if answer.status != 200:
            return keys, answer
        keys.append(f"{prefix}-{n}")
    raise AssertionError("the filesystem does not fill up")


def test_a_full_filesystem_refuses_writes_and_recovers(small):
    server = small(64)
    keys, refused = fill(server, "piece", ledger.body_of(2, PIECE), 32)
    assert_refused(refused)
    assert_refused(put(server, "kept", ledger.body_of(3, PIECE)))  # the old one must stay
    assert_reads_go_on(server, {"kept", *keys})
    writers.wait_for_no_leftovers(server.data / BUCKET)
    wire = ledger.Wire(server)
    for key in keys[:2]:
        wire.delete(BUCKET, key)
    assert put(server, "again", ledger.body_of(4, PIECE)).status == 200
    assert_reads_go_on(server, {"kept", "again", *keys[2:]})
    server.stop()


def test_a_part_that_does_not_fit_fails_and_can_be_sent_again(small):
    server = small(64)
    client, path = probes.signed(server), raw.key_path(BUCKET, "uploaded")
    upload = client.request("POST", path, [("uploads", "")]).xml().findtext("UploadId")
    keys, _ = fill(server, "piece", ledger.body_of(2, PIECE), 32)
    part = ledger.body_of(5, ledger.PART_MIN)
    query = [("partNumber", "1"), ("uploadId", upload)]
    assert_refused(client.request("PUT", path, query, body=part))
    wire = ledger.Wire(server)
    for key in keys:
        wire.delete(BUCKET, key)
    tag = wire.ask("PUT", path, query, part).headers["ETag"]
    document = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                f"<ETag>{tag}</ETag></Part></CompleteMultipartUpload>").encode()
    wire.ask("POST", path, [("uploadId", upload)], document)
    assert client.request("GET", path).body == part
    assert_reads_go_on(server, {"kept", "uploaded"})
    server.stop()


def test_exhausted_inodes_refuse_writes_and_recover(small):
    server = small(64, "-N", "128")
    keys, refused = fill(server, "tiny", b"x", 256)
    assert_refused(refused)
    assert_refused(put(server, "in/a/new/directory", b"x"))
    assert_reads_go_on(server, {"kept", *keys})
    writers.wait_for_no_leftovers(server.data / BUCKET)
    wire = ledger.Wire(server)
    wire.delete(BUCKET, keys[0])
    wire.delete(BUCKET, keys[1])
    assert put(server, "again", b"y").status == 200
    assert_reads_go_on(server, {"kept", "again", *keys[2:]})
    server.stop()


def test_little_room_for_attributes_is_enough(loop, start):
    """Blocks of 1 KiB (what mkfs.ext4 makes of a small disk) hold less than 1 KiB of them."""
    server = start(loop("ext4", 64, "-b", "1024").data)
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    client, path = probes.signed(server), raw.key_path(BUCKET, "described")
    described = {"x-amz-meta-long": "m" * 1900}
    assert client.request("PUT", path, headers=described, body=KEPT).status == 200
    answer = client.request("GET", path)
    assert answer.body == KEPT and answer.headers["x-amz-meta-long"] == "m" * 1900
    server.stop()
