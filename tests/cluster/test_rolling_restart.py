"""Containers are restarted one after the other behind a load balancer, under clients that repeat
nothing: no request fails. And what a container that dies without a word costs (long form)."""

import contextlib
import http.client
import socket
import threading
import time

import balancer
import pytest
import raw
import server as servers
import traffic

LARGE = 12 << 20
WORKERS = 4


@pytest.fixture
def haproxy(tmp_path):
    """haproxy(targets): a Balancer before them."""
    if not balancer.program():
        pytest.skip("no haproxy")
    with contextlib.ExitStack() as stack:
        def begin(targets):
            made = balancer.Balancer(tmp_path, targets)
            stack.callback(made.stop)
            return made
        yield begin


class Fleet:
    """Containers behind one balancer, each of which can be started again where it was."""

    def __init__(self, cluster, haproxy, names, *arguments, agent=False):
        self.cluster, self.arguments = cluster, arguments
        cluster.create()
        self.ports = {name: (servers.free_port(), servers.free_port(),
                             servers.free_port() if agent else None) for name in names}
        self.containers = {name: self.begin(name) for name in names}
        for container in self.containers.values():
            container.wait_ready()
        self.front = haproxy([(name, *self.ports[name]) for name in names])
        for name in names:
            self.front.wait_up(name)
        client = raw.Client(self.front.endpoint, *cluster.keys)
        assert client.request("PUT", f"/{traffic.BUCKET}").status == 200

    def begin(self, name):
        port, health_port, agent_port = self.ports[name]
        agent = ("--agent", f"127.0.0.1:{agent_port}") if agent_port else ()
        return self.cluster.start(name, *self.arguments, *agent, ports=(port, health_port))

    def start_again(self, name):
        """Until requests reach it."""
        before = int(self.front.servers()[name]["stot"])
        self.containers[name] = self.begin(name).wait_ready()
        self.front.wait_up(name)
        self.front.wait_for(name, lambda row: int(row["stot"]) > before)


def read_slowly(endpoint, keys, seconds, outcome):
    """An object that takes so long to read that its container is stopped meanwhile."""
    client = raw.Client(endpoint, *keys)
    path = raw.key_path(traffic.BUCKET, "large")
    connection = http.client.HTTPConnection(client.host, timeout=traffic.TIMEOUT_S)
    # Sizes that no buffer on the way can hold.
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.request("GET", path, headers=client.signed_headers("GET", path, [], {}, b""))
    answer = connection.getresponse()
    received = 0
    while piece := answer.read(LARGE // 64):
        received += len(piece)
        time.sleep(seconds / 64)
    connection.close()
    outcome.append((answer.status, received))


@pytest.mark.parametrize("names, agent", [
    (("one", "two"), False),
    pytest.param(("one", "two", "three"), True, marks=pytest.mark.long),
])
def test_a_rolling_restart_fails_no_request(cluster, haproxy, names, agent):
    fleet = Fleet(cluster, haproxy, names, "--drain-notice", str(2 * balancer.CHECK_EVERY_S),
                  agent=agent)
    raw.Client(fleet.front.endpoint, *cluster.keys).request(
        "PUT", raw.key_path(traffic.BUCKET, "large"), body=b"x" * LARGE)
    slow = []
    readers = [threading.Thread(target=read_slowly, args=(fleet.front.endpoint, cluster.keys, 4, slow))
               for _ in names]
    with traffic.traffic(fleet.front.endpoint, cluster.keys, WORKERS) as workers:
        for reader in readers:  # least connections: one reader for each container
            reader.start()
        for name in names:
            time.sleep(0.5)
            fleet.containers[name].stop()
            fleet.start_again(name)
        for reader in readers:
            reader.join(traffic.TIMEOUT_S)
    assert traffic.failures(workers) == []
    # Nor was there anything that the balancer had to make good.
    assert fleet.front.troubles() == {}
    assert slow == [(200, LARGE)] * len(names)
    answered = traffic.answered(workers)
    print(answered)
    assert all(answered.get(method, 0) > 10 for method in ("PUT", "GET", "HEAD", "DELETE", "POST"))


@pytest.mark.long
@pytest.mark.parametrize("retries", [0, 3])
def test_a_container_that_is_killed_costs_what_was_under_way(cluster, haproxy, retries):
    """Without retries at most the requests that it was serving fail, with those of SDKs none."""
    fleet = Fleet(cluster, haproxy, ("one", "two"))
    kills = 4
    with traffic.traffic(fleet.front.endpoint, cluster.keys, WORKERS, retries) as workers:
        for name in ("one", "two") * (kills // 2):
            time.sleep(1)
            fleet.containers[name].kill()
            fleet.start_again(name)
    failed = traffic.failures(workers)
    print(f"{kills} kills, {sum(traffic.answered(workers).values())} requests, {len(failed)} "
          f"failed, {sum(worker.repeated for worker in workers)} repeated:", *failed, sep="\n  ")
    # Each worker has one request under way.
    assert len(failed) <= (0 if retries else kills * WORKERS)
