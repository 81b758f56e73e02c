"""Short questions to a running server, each with a time limit of its own: a test of hangs must
not hang. Sockets are used as they are, one connection for each question unless it says."""

import http.client
import time

import raw

TIMEOUT_S = 10


def signed(server, timeout_s=TIMEOUT_S):
    client = raw.Client(server.endpoint, server.access_key, server.secret_key)
    client.timeout_s = timeout_s
    return client


def ask(port, method="GET", path="/health/ready", timeout_s=TIMEOUT_S, headers=()):
    """(status, body) of an unsigned request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ready(server, timeout_s=TIMEOUT_S):
    """(ready?, the reason), from the health port."""
    status, body = ask(server.health_port, timeout_s=timeout_s)
    assert status in (200, 503), status
    return status == 200, body.decode().strip()


def wait_for_ready(server, wanted, within_s):
    """The reason, once readiness is as wanted. No single answer may take over a second."""
    began = time.monotonic()
    while True:
        now, reason = ready(server, timeout_s=1)
        if now == wanted:
            return reason
        assert time.monotonic() < began + within_s, f"still {reason!r} after {within_s} s"
        time.sleep(0.05)


def quantile(seconds, part):
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
