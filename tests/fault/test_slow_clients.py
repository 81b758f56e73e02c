"""Clients that do not go on: heads that never end, answers that nobody reads, and connections
that only sit there. The deadlines are those of http/limits.h; the long form waits for them."""

import pathlib
import socket
import time

import ledger
import probes
import pytest
import raw

BUCKET = "patience"
HEAD_DEADLINE_S = 20
IDLE_DEADLINE_S = 120
SEND_PROGRESS_S = 30
SLACK_S = 5
IDLE = 1000
IDLE_BYTES_MAX = 16 * ledger.KIB


@pytest.fixture
def served(start, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    server = start(data)
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    return server


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def resident_bytes(server):
    for line in pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def connections(server):
    text = probes.ask(server.health_port, path="/metrics")[1].decode()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith("millrace_connections{") and 'shard="health"' not in line)


def wait_for_connections(server, count):
    deadline = time.monotonic() + 10
    while connections(server) < count:
        assert time.monotonic() < deadline, f"{connections(server)} of {count} connections"
        time.sleep(0.05)


def test_idle_connections_cost_little_memory(served):
    """Each has sent a request and got its answer, so that it holds what it ever will."""
    request = b"GET /wekas3api/health/ready HTTP/1.1\r\nHost: x\r\n\r\n"
    ledger.Wire(served).put(BUCKET, "warm", ledger.NOISE)
    # The first ones fill the pools.
    waiting = [connect(served) for _ in range(50)]
    for each in waiting:
        each.sendall(request)
        assert each.recv(4096).startswith(b"HTTP/1.1 200")
    before = resident_bytes(served)
    for _ in range(IDLE):
        waiting.append(connect(served))
        waiting[-1].sendall(request)
        assert waiting[-1].recv(4096).startswith(b"HTTP/1.1 200")
    wait_for_connections(served, IDLE)
    each_bytes = (resident_bytes(served) - before) / IDLE
    print(f"{each_bytes:.0f} bytes a connection, {resident_bytes(served) >> 20} MiB in all")
    assert each_bytes < IDLE_BYTES_MAX, each_bytes
    assert probes.ready(served)[0]
    for each in waiting:
        each.close()
    served.stop()


def test_unfinished_heads_hold_up_nobody(served):
    """200 connections drip a head each; others are served as ever."""
    dripping = [connect(served) for _ in range(200)]
    for each in dripping:
        each.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nX-Drip: ")
    wire = ledger.Wire(served)
    took = []
    for n in range(50):
        for each in dripping[n % 20::20]:
            each.sendall(b"a")
        began = time.monotonic()
        wire.put(BUCKET, f"key-{n}", b"x")
        took.append(time.monotonic() - began)
    assert probes.quantile(took, 0.99) < 1, max(took)  # some milliseconds each
    for each in dripping:
        each.close()
    served.stop()


@pytest.mark.long
def test_heads_end_at_their_deadline(served):
    """The deadline is that of the whole head: bytes that drip do not move it."""
    with connect(served) as sock:
        began = time.monotonic()
        sock.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        sock.settimeout(1)
        answer = b""
        while time.monotonic() < began + HEAD_DEADLINE_S + SLACK_S:
            try:
                piece = sock.recv(4096)
            except TimeoutError:
                sock.sendall(b"a")
                continue
            if not piece:
                break
            answer += piece
        took = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert HEAD_DEADLINE_S - 1 < took < HEAD_DEADLINE_S + SLACK_S, took


@pytest.mark.long
def test_a_connection_that_says_nothing_is_closed(served):
    with connect(served) as sock:
        sock.settimeout(IDLE_DEADLINE_S + SLACK_S)
        began = time.monotonic()
        assert sock.recv(4096) == b""
        assert time.monotonic() > began + IDLE_DEADLINE_S - 2, "closed too soon"


@pytest.mark.long
def test_a_client_that_never_reads_is_ended(served):
    """What it asked for is more than the buffers between take. Its end shows in the metrics,
    since the client itself does not look."""
    wire = ledger.Wire(served)
    wire.put(BUCKET, "large", ledger.NOISE * 4)
    client = probes.signed(served)
    path = raw.key_path(BUCKET, "large")
    headers = client.signed_headers("GET", path, [], {}, b"")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with connect(served) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * ledger.KIB)
        sock.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        began = time.monotonic()
        wait_for_connections(served, 1)
        while connections(served) > 0:
            assert time.monotonic() < began + SEND_PROGRESS_S + SLACK_S, "it is still served"
            time.sleep(0.2)
        assert time.monotonic() > began + SEND_PROGRESS_S - 2, "ended too soon"
