"""kill -9 in the middle of writes, and the next start: nothing acknowledged is lost, nothing half
is visible, nothing deleted comes back. (The page cache survives this: what is proved is that
commits are atomic and that restarts recover, not that anything was synced.)"""

import random

import ledger
import pytest
import writers

WRITERS = 4
SEED = 7


@pytest.mark.parametrize("mode", ["strict", "none"])
def test_every_acknowledged_write_survives_kills(start, tmp_path, long_run, mode):
    """Short: 4 kills after 60 to 120 acknowledged writes each. Long: 50 after up to 800."""
    rounds, acks = (50, (200, 800)) if long_run else (4, (60, 120))
    data = tmp_path / "data"
    data.mkdir()
    chance = random.Random(SEED)
    crowd = writers.Crowd(WRITERS, SEED)
    server = start(data, "--durability", mode)
    ledger.Wire(server).ask("PUT", f"/{writers.BUCKET}")
    for _ in range(rounds):
        with crowd.at_work(server):
            crowd.wait_for(chance.randint(*acks))
            server.process.kill()
            server.process.wait()
        plant_leftovers(data / writers.BUCKET)
        server = start(data, "--durability", mode)
        crowd.check(server)
    assert crowd.book.acks >= 200
    server.stop()


def plant_leftovers(bucket):
    """What a kill leaves when it falls between two calls of a commit: a second link, and a
    directory that was about to take an object's place."""
    staging = bucket / ".mr.sys" / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    (staging / "t-left-by-a-kill").write_bytes(b"half")
    aside = staging / "d-left-by-a-kill"
    aside.mkdir()
    (aside / ".mr.f").write_bytes(b"half")
