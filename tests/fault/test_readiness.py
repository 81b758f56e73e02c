"""Each row of the table "What counts as not ready, and how soon" in health/README.md, by a running
server; hung, failed and full filesystems are in test_slow_storage.py, test_power_loss.py and
test_no_space.py, draining in test_drain.py. Times here are wide: the documented ones are those of
a machine that has nothing else to do."""

import concurrent.futures
import contextlib
import errno
import os
import re
import socket
import subprocess
import threading
import time

import ledger
import probes
import pytest
import raw
import server as servers
import standstill

BUCKET = "rows"
FRONTEND, HEALTH = "mr-shard-0", "mr-health"
PIPELINE = 100
SOON_S = 8  # documented: 0.1 to 5 s


@pytest.fixture
def data(tmp_path):
    made = tmp_path / "data"
    made.mkdir()
    return made


def side_door(server):
    status, body = probes.ask(server.port, path="/wekas3api/health/ready")
    return status, body.decode().strip()


def wait_for_side_door(server, wanted, within_s=SOON_S):
    deadline = time.monotonic() + within_s
    while (seen := side_door(server)) != wanted:
        assert time.monotonic() < deadline, f"{seen}, not {wanted}"
        time.sleep(0.05)


def agent_line(port):
    with socket.create_connection(("127.0.0.1", port), timeout=probes.TIMEOUT_S) as sock:
        return sock.makefile().read()


def test_a_thread_that_stands_still(start, data, tmp_path):
    """A frontend is told by the health port, the health shard by the other: at once, on two
    servers, since each takes its seconds."""
    if os.geteuid() != 0:
        pytest.skip("needs to trace another process")
    other = tmp_path / "other"
    stuck, silent = start(data), start(other)
    with standstill.standing_still(standstill.thread_of(stuck.pid, FRONTEND)), \
            standstill.standing_still(standstill.thread_of(silent.pid, HEALTH)):
        assert probes.wait_for_ready(stuck, False, SOON_S) == "shard stuck"
        assert probes.ask(stuck.health_port, path="/health/live")[0] == 200
        wait_for_side_door(silent, (503, "view stale"))
        assert probes.ask(silent.port, path="/minio/health/live")[0] == 200
        with pytest.raises(TimeoutError):
            probes.ask(silent.health_port, timeout_s=0.5)
    assert probes.wait_for_ready(stuck, True, SOON_S) == "ready"
    wait_for_side_door(silent, (200, "ready"))
    stuck.stop()
    silent.stop()


def test_answers_come_while_every_frontend_is_busy(start, data):
    """Requests in pipelines, so that the server has more to do for them than who sends them.
    (How long answers take: bench/health_under_load.py.)"""
    server = start(data, "--cores", "0")
    wire = ledger.Wire(server)
    wire.ask("PUT", f"/{BUCKET}")
    wire.put(BUCKET, "object", b"x" * 1000)
    target = probes.signed(server).presign("GET", raw.key_path(BUCKET, "object"))
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    stop = threading.Event()

    def send_and_drop():
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
            sock.sendall(request)
            answer_bytes = len(sock.recv(1 << 16))  # small ones leave in one piece
            while not stop.is_set():
                sock.sendall(request * PIPELINE)
                left = PIPELINE * answer_bytes
                while left > 0:
                    left -= len(sock.recv(left))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(send_and_drop) for _ in range(4)]
        took = []
        deadline = time.monotonic() + 20
        try:
            while len(took) < 100 or gets_of(server) < 10 * PIPELINE:
                assert time.monotonic() < deadline, "it serves nothing: the test proves nothing"
                began = time.monotonic()
                for path in ("/health/ready", "/health/live"):
                    assert probes.ask(server.health_port, path=path, timeout_s=1)[0] == 200
                took.append(time.monotonic() - began)
        finally:
            stop.set()
        for client in clients:
            client.result()
    print(f"worst of two answers {max(took):.3f} s, {gets_of(server)} GETs meanwhile")
    server.stop()


def gets_of(server):
    text = probes.ask(server.health_port, path="/metrics")[1].decode()
    return int(re.search(r'^millrace_requests_total{operation="GetObject"} (\d+)$', text,
                         re.MULTILINE).group(1))


def test_load_above_the_threshold(start, data):
    agent_port = servers.free_port()
    server = start(data, "--requests-max", "4", "--capacity-threshold", "0.5", "--agent",
                   f"127.0.0.1:{agent_port}")
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    assert agent_line(agent_port).endswith("% up ready\n")
    with contextlib.ExitStack() as stack:
        for n in range(3):  # requests that don't end
            path = raw.key_path(BUCKET, f"never-{n}")
            fields = probes.signed(server).signed_headers(
                "PUT", path, [], {"Content-Length": 1000}, b"", payload="UNSIGNED-PAYLOAD")
            sock = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=10))
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            sock.sendall(f"PUT {path} HTTP/1.1\r\n{lines}\r\nx".encode())
        assert probes.wait_for_ready(server, False, SOON_S) == "over capacity"
        wait_for_side_door(server, (503, "over capacity"))
        assert agent_line(agent_port) == "down\n"
        # It is advice, not a refusal.
        assert probes.signed(server).request("GET", "/").status == 200
    assert probes.wait_for_ready(server, True, SOON_S) == "ready"
    assert agent_line(agent_port).endswith("% up ready\n")
    server.stop()


def test_metrics_want_their_token(start, data, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-the-test\n")
    token.chmod(0o600)
    server = start(data, "--metrics-token-file", str(token), "--memory-max", "8G")
    assert probes.ask(server.health_port, path="/metrics")[0] == 401
    for given, wanted in (("a-token-of-the-test", 200), ("a-token-of-the-best", 401)):
        status, body = probes.ask(server.health_port, path="/metrics",
                                  headers={"Authorization": f"Bearer {given}"})
        assert status == wanted
        assert (b"millrace_memory_max_bytes 8589934592\n" in body) == (wanted == 200)
    assert probes.ready(server) == (True, "ready")
    assert "a-token-of" not in server.output()
    server.stop()


def test_a_filesystem_that_turns_read_only(fuse, start):
    data = fuse.path / "data"
    data.mkdir()
    server = start(data)
    client = probes.signed(server)
    assert client.request("PUT", f"/{BUCKET}").status == 200
    assert client.request("PUT", raw.key_path(BUCKET, "kept"), body=b"kept").status == 200
    fuse.fail("create", "/data/", errno.EROFS)
    assert probes.wait_for_ready(server, False, SOON_S) == "filesystem read-only"
    wait_for_side_door(server, (503, "filesystem read-only"))
    assert client.request("GET", raw.key_path(BUCKET, "kept")).body == b"kept"
    assert client.request("PUT", raw.key_path(BUCKET, "more"), body=b"x").status == 503
    fuse.clear()
    assert probes.wait_for_ready(server, True, SOON_S) == "ready"
    assert client.request("PUT", raw.key_path(BUCKET, "more"), body=b"x").status == 200
    server.stop()


def test_a_failed_sync_makes_the_filesystem_suspect(fuse, start):
    """Only the requests' own files meet it: the probes go well, and take the suspicion back."""
    data = fuse.path / "data"
    data.mkdir()
    server = start(data)
    client = probes.signed(server)
    assert client.request("PUT", f"/{BUCKET}").status == 200
    assert client.request("PUT", raw.key_path(BUCKET, "kept"), body=b"kept").status == 200
    fuse.fail("fsync", "/staging/", errno.EIO)
    refused = client.request("PUT", raw.key_path(BUCKET, "lost"), body=b"lost")
    assert refused.status == 503 and refused.code == "ServiceUnavailable"
    assert probes.wait_for_ready(server, False, SOON_S) == "filesystem suspect"
    wait_for_side_door(server, (503, "filesystem suspect"))
    began = time.monotonic()
    assert client.request("GET", raw.key_path(BUCKET, "kept")).body == b"kept"
    assert client.request("GET", raw.key_path(BUCKET, "lost")).status == 404
    fuse.clear()
    # Requests that get here are served; readiness takes its time: five probes, a second apart.
    assert client.request("PUT", raw.key_path(BUCKET, "again"), body=b"x").status == 200
    assert probes.wait_for_ready(server, True, 4 * SOON_S) == "ready"
    assert time.monotonic() > began + 3
    server.stop()


def test_a_server_that_starts(fuse, tmp_path):
    """Until the first probe has ended."""
    data = fuse.path / "data"
    data.mkdir()
    fuse.delay("fsync", "/health/", 1500)
    port, health_port = servers.free_port(), servers.free_port()
    log = tmp_path / "starting.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [str(servers.binary()), "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}",
             "--health", f"127.0.0.1:{health_port}"], stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, env=servers.scrubbed_environment())
    try:
        told = []
        deadline = time.monotonic() + servers.READY_S
        while "ready" not in told:
            assert time.monotonic() < deadline, (told, log.read_text())
            with contextlib.suppress(ConnectionRefusedError):
                status, body = probes.ask(health_port)
                word = body.decode().strip()
                assert (status == 200) == (word == "ready")
                told.append(word)
            time.sleep(0.02)
        assert "starting" in told
        fuse.clear()
        process.terminate()
        assert process.wait(servers.STOP_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
