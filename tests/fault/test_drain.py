"""A drain with notice: what holds in each of its steps, and what ends it early. (Without one:
test_signals.py; behind a load balancer: tests/cluster/test_rolling_restart.py.)"""

import contextlib
import http.client
import signal
import time

import ledger
import probes
import pytest
import raw
import server as servers
from test_readiness import agent_line

BUCKET = "leaving"
NOTICE_S = 2
CLOSING_S = 1
PATH = raw.key_path(BUCKET, "object")


@pytest.fixture
def leaving(start, tmp_path):
    """A server with a notice, the port of its agent, and one object."""
    data = tmp_path / "data"
    data.mkdir()
    agent_port = servers.free_port()
    server = start(data, "--drain-notice", str(NOTICE_S), "--agent", f"127.0.0.1:{agent_port}")
    wire = ledger.Wire(server)
    wire.ask("PUT", f"/{BUCKET}")
    wire.put(BUCKET, "object", b"object")
    return server, agent_port


class Kept:
    """A connection that is kept, and what its last answer said of it."""

    def __init__(self, server):
        self.client = probes.signed(server)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port,
                                                     timeout=probes.TIMEOUT_S)

    def closes_after(self, method, body=b""):
        headers = self.client.signed_headers(method, PATH, [], {"Content-Length": len(body)}, body)
        self.connection.request(method, PATH, body or None, headers)
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.read() == (b"object" if method == "GET" else b"")
        return answer.will_close


def test_each_step_of_a_drain(leaving):
    server, agent_port = leaving
    idle, kept = Kept(server), Kept(server)
    assert not idle.closes_after("GET") and not kept.closes_after("GET")
    server.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert probes.wait_for_ready(server, False, 1) == "draining"
    assert probes.ask(server.port, path="/wekas3api/health/ready") == (503, b"draining\n")
    assert probes.ask(server.port, path="/minio/health/live")[0] == 200
    assert agent_line(agent_port) == "drain\n"
    # Whoever has not heard is served as before, old connections and new ones; then told to leave.
    while not kept.closes_after("PUT", b"object"):
        Kept(server).closes_after("GET")
        assert time.monotonic() < began + NOTICE_S + CLOSING_S, "nobody is told to leave"
    assert time.monotonic() > began + NOTICE_S - 0.1
    with contextlib.suppress(ConnectionRefusedError):
        fresh = Kept(server)
        fresh.connection.connect()
        assert fresh.closes_after("GET")
        assert time.monotonic() > began + NOTICE_S  # else it was not refused in time
    # Idle connections end last: by FIN, not by a reset.
    idle.connection.sock.settimeout(10)
    assert idle.connection.sock.recv(1) == b""
    assert time.monotonic() > began + NOTICE_S + CLOSING_S - 0.1
    assert server.process.wait(10) == 0


def test_a_second_sigterm_ends_the_notice_and_the_server(leaving):
    server, _ = leaving
    server.process.send_signal(signal.SIGTERM)
    assert probes.wait_for_ready(server, False, 1) == "draining"
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(NOTICE_S / 2) == 128 + signal.SIGTERM
