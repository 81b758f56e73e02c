"""Containers that speak TLS: each with a certificate of its own, asked over https."""

import json

import pytest
import server as servers
import tls_files
from conftest import KEYS


@pytest.fixture
def authority(tmp_path):
    return tls_files.Authority(tmp_path)


def test_a_container_of_a_cluster(cluster, authority):
    cluster.create()
    own = authority.pair("one")
    one = cluster.start("one", "--tls-cert", str(own.certificate), "--tls-key", str(own.key))
    one.wait_ready()
    cluster.wait_states({"one": "active"})
    described = cluster.status()["containers"][0]
    assert described["addresses"] == [f"https://127.0.0.1:{one.port}"]
    assert described["health_addresses"] == [f"https://127.0.0.1:{one.health_port}"]
    # The command line over REST, as from another host.
    done = servers.subprocess.run(
        [str(servers.binary()), "cluster", "status", "--json", "--endpoint",
         described["health_addresses"][0], "--ca-bundle", str(authority.certificate)],
        capture_output=True, text=True, timeout=60,
        env={**servers.scrubbed_environment(), "MILLRACE_ACCESS_KEY": KEYS[0],
             "MILLRACE_SECRET_KEY": KEYS[1]})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cluster"]["id"] == cluster.status()["cluster"]["id"]
