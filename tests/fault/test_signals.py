"""SIGTERM drains, a second one ends at once, SIGHUP opens the logs anew."""

import concurrent.futures
import hashlib
import signal
import socket
import time

import ledger
import probes
import pytest
import raw

BUCKET = "signals"
LARGE = ledger.NOISE
DRAIN_S = 60
PIECE = 256 * ledger.KIB


@pytest.fixture
def served(start, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    server = start(data, "--log", str(tmp_path / "server.log"),
                   "--access-log", str(tmp_path / "access.log"),
                   "--drain-deadline", str(DRAIN_S))
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    return server


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def head(server, method, key, size):
    """The head of a signed request whose body is not read for the signature."""
    client = probes.signed(server)
    path = raw.key_path(BUCKET, key)
    headers = client.signed_headers(method, path, [], {"Content-Length": size}, b"",
                                    payload="UNSIGNED-PAYLOAD")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def slow_put(server, begun):
    """Sends a body in pieces over two seconds; the answer's first bytes."""
    with connect(server) as sock:
        sock.sendall(head(server, "PUT", "slow", len(LARGE)))
        for at in range(0, len(LARGE), PIECE):
            sock.sendall(LARGE[at:at + PIECE])
            begun.append(at)
            time.sleep(2 / (len(LARGE) / PIECE))
        return sock.recv(65536)


def slow_get(server, begun):
    """Reads an object over two seconds, and then to the end of the connection: the body."""
    with connect(server) as sock, sock.makefile("rb") as stream:
        sock.sendall(head(server, "GET", "large", 0))
        received = bytearray()
        while piece := stream.read(PIECE):
            received += piece
            begun.append(len(received))
            time.sleep(2 / (len(LARGE) / PIECE))
        return bytes(received).partition(b"\r\n\r\n")[2]


def test_sigterm_lets_requests_end_and_closes_idle_connections(served):
    wire = ledger.Wire(served)
    wire.put(BUCKET, "large", LARGE)
    idle = connect(served)
    idle.sendall(b"GET /wekas3api/health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle.recv(4096).startswith(b"HTTP/1.1 200")
    put_begun, get_begun = [], []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        put = pool.submit(slow_put, served, put_begun)
        get = pool.submit(slow_get, served, get_begun)
        while len(put_begun) < 5 or len(get_begun) < 5:
            time.sleep(0.01)
        assert not put.done() and not get.done()
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        idle.settimeout(5)
        assert idle.recv(1) == b"", "an idle connection stays open"
        assert time.monotonic() < began + 2
        with pytest.raises(OSError):  # nobody new comes in
            while time.monotonic() < began + 2:
                connect(served).close()
                time.sleep(0.02)
        assert put.result(30).startswith(b"HTTP/1.1 200"), put.result()
        assert hashlib.md5(get.result(30)).digest() == hashlib.md5(LARGE).digest()
    assert served.process.wait(10) == 0
    # Each ended with its request, not all with the drain's deadline.
    assert time.monotonic() < began + DRAIN_S / 2
    assert (served.data / BUCKET / "slow").read_bytes() == LARGE


def test_a_drain_ends_at_its_deadline(start, tmp_path):
    """A client that does nothing does not hold up the end."""
    data = tmp_path / "data"
    data.mkdir()
    server = start(data, "--drain-deadline", "1")
    ledger.Wire(server).ask("PUT", f"/{BUCKET}")
    with connect(server) as sock:
        sock.sendall(head(server, "PUT", "never", 1000) + b"x")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert server.process.wait(8) == 0
        assert time.monotonic() > began + 0.8
    assert not (data / BUCKET / "never").exists()


def test_a_second_sigterm_ends_at_once(served):
    with connect(served) as sock:
        sock.sendall(head(served, "PUT", "never", 1000) + b"x")
        time.sleep(0.2)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert served.process.poll() is None, "it did not wait for the request"
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert served.process.wait(5) == 128 + signal.SIGTERM
        assert time.monotonic() < began + 2


def wait_for_text(path, text):
    deadline = time.monotonic() + 5
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, f"{text} is not in {path.name}"
        time.sleep(0.02)


def test_sighup_opens_the_logs_anew(served, tmp_path):
    wire = ledger.Wire(served)
    access, old = tmp_path / "access.log", tmp_path / "access.log.1"
    wire.put(BUCKET, "before-the-rotation", b"x")
    wait_for_text(access, "before-the-rotation")
    access.rename(old)
    wire.put(BUCKET, "between", b"x")
    wait_for_text(old, "between")
    served.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 5
    while not access.exists():
        assert time.monotonic() < deadline, "no new file"
        time.sleep(0.02)
    wire.put(BUCKET, "after-the-rotation", b"x")
    wait_for_text(access, "after-the-rotation")
    assert "after-the-rotation" not in old.read_text()
    assert probes.ready(served) == (True, "ready")
    served.stop()
