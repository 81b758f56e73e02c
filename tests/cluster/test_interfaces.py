"""The port that a cluster has by default, on every interface that its containers' hosts have."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace")

ASK = """
import http.client, sys
for address in sys.argv[1:]:
    asked = http.client.HTTPConnection(address, 9000, timeout=20)
    asked.request("GET", "/wekas3api/health/ready")
    print(address, asked.getresponse().status)
"""


def inside(container, *words):
    """Runs a command in the container's own network."""
    return subprocess.run(["nsenter", "-t", str(container.process.pid), "-n", *words],
                          capture_output=True, text=True, check=True).stdout


def test_a_container_answers_at_port_9000_of_every_interface(cluster):
    cluster.create()
    one = cluster.start("one", isolated=True).wait_ready()
    assert cluster.status()["cluster"]["port"] == 9000
    # One that comes when the container already runs, with addresses of both families.
    inside(one, "ip", "link", "add", "later", "type", "veth", "peer", "name", "cable")
    inside(one, "ip", "address", "add", "192.0.2.7/24", "dev", "later")
    inside(one, "ip", "address", "add", "2001:db8::7/64", "dev", "later", "nodad")
    inside(one, "ip", "link", "set", "later", "up")
    addresses = ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"]
    answers = inside(one, sys.executable, "-c", ASK, *addresses)
    assert answers.splitlines() == [f"{address} 200" for address in addresses]
