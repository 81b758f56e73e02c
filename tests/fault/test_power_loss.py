"""Power cuts under write load, on ext4 and xfs. In `strict` nothing acknowledged is lost, and
nothing deleted comes back; in `data` names may be lost, and what is visible is whole. (`none`
promises no more than to survive the end of the process, see test_kill.py.)"""

import os
import random
import time

import ledger
import probes
import pytest
import raw
import writers

WRITERS = 4
SEED = 11
IMAGE_MIB = 4096  # sparse
# The documented time for a failed filesystem is 1.1 s; machines of tests are slow.
NOT_READY_S = 6


@pytest.mark.parametrize("mode", ["strict", "data"])
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_loss_keeps_what_was_promised(loop, start, long_run, kind, mode):
    """Short: 2 cuts. Long: 30."""
    image = loop(kind, IMAGE_MIB)
    data = image.data
    chance = random.Random(f"{SEED}{kind}{mode}")
    crowd = writers.Crowd(WRITERS, SEED)
    server = start(data, "--durability", mode)
    ledger.Wire(server).ask("PUT", f"/{writers.BUCKET}")
    os.sync()  # in `data` the bucket's own name is promised no more than others
    for _ in range(30 if long_run else 2):
        with crowd.at_work(server):
            crowd.wait_for(chance.randint(60, 200))
            image.cut_power()
        assert_refuses_clearly(server)
        server.process.kill()
        server.process.wait()
        image.remount()
        server = start(data, "--durability", mode)
        crowd.check(server, names_may_be_lost=mode == "data")
    server.stop()


def assert_refuses_clearly(server):
    """On a dead filesystem: 503s without delay, an answering health port that is not ready, and
    liveness as before."""
    began = time.monotonic()
    reason = probes.wait_for_ready(server, False, NOT_READY_S)
    while reason == "filesystem suspect":  # a request's sync met it before a probe did
        assert time.monotonic() < began + NOT_READY_S, reason
        time.sleep(0.05)
        _, reason = probes.ready(server)
    assert reason in ("filesystem failed", "filesystem read-only"), reason
    assert probes.ask(server.port, path="/wekas3api/health/ready")[0] == 503
    assert probes.ask(server.health_port, path="/health/live")[0] == 200
    client = probes.signed(server)
    began = time.monotonic()
    refused = (
        client.request("PUT", raw.key_path(writers.BUCKET, "after/the/cut"), body=b"x" * 100_000),
        client.request("PUT", raw.key_path(writers.BUCKET, "w0/plain-0"), body=b"x"),
        client.request("POST", raw.key_path(writers.BUCKET, "u"), [("uploads", "")]),
        client.request("PUT", "/bucket-after-the-cut"),
    )
    for answer in refused:
        assert answer.status == 503, (answer.status, answer.body)
        assert answer.code == "ServiceUnavailable", answer.body
    assert time.monotonic() < began + 10
