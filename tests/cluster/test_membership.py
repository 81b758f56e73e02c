"""Who is alive, as the containers themselves see it: by the network between them and by their
beats, with one or the other gone. Times are printed (`-s`), and judged generously."""

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

import pytest
import slow_mount
from conftest import WAIT_S

NAMES = ("one", "two", "three")
ROUNDS = 12 if os.environ.get("MILLRACE_LONG") == "1" else 1
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())"


def metrics(container, inside=()):
    """The cluster's figures as one container tells them; `inside`: by way of that command."""
    url = f"http://127.0.0.1:{container.health_port}/metrics"
    if inside:
        text = subprocess.run([*inside, sys.executable, "-c", FETCH, url], check=True,
                              capture_output=True, text=True, timeout=20).stdout
    else:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
    found = re.findall(r"^millrace_cluster_(\w+) ([0-9.e+-]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def wait_active(containers, wanted, inside=()):
    """Until each of these sees so many active; how long the slowest took."""
    begun = time.monotonic()
    for container in containers:
        while metrics(container, inside)["containers_active"] != wanted:
            assert time.monotonic() < begun + WAIT_S, metrics(container, inside)
            time.sleep(0.01)
    return time.monotonic() - begun


def blamed(container, name):
    """Whether it has told that container inactive."""
    return f"name={name} state=inactive" in container.output()


def wait_blamed(container, name):
    deadline = time.monotonic() + WAIT_S
    while not blamed(container, name):
        assert time.monotonic() < deadline, container.output()
        time.sleep(0.02)


@pytest.fixture
def three(cluster):
    cluster.create("--durability", "none")
    for name in NAMES:
        cluster.start(name)
    for container in cluster.containers:
        container.wait_ready()
    wait_active(cluster.containers, 3)
    return cluster.containers


def test_the_dead_and_the_stopped_are_seen_and_come_back(cluster, three):
    one, two, three_ = three
    killed, stopped = [], []
    for _ in range(ROUNDS):
        two.kill()
        killed.append(wait_active((one, three_), 2))
        wait_blamed(one, "two")
        two = cluster.start("two").wait_ready()
        wait_active((one, two, three_), 3)
        three_.process.send_signal(signal.SIGSTOP)
        try:
            stopped.append(wait_active((one, two), 2))
        finally:
            three_.process.send_signal(signal.SIGCONT)
        wait_active((one, two, three_), 3)
    for what, times in (("killed", killed), ("stopped", stopped)):
        print(f"{what}: seen after {statistics.median(times):.2f} s (median), "
              f"{max(times):.2f} s (greatest) of {len(times)}")
    assert not blamed(three_, "one") and not blamed(two, "one")
    figures = metrics(one)
    assert figures["probes_total"] > 0 and figures["probes_unanswered_total"] > 0
    assert figures["datagrams_refused_total"] == 0


def test_alone_nothing_is_sent(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    wait_active((one,), 1)
    time.sleep(1)
    figures = metrics(one)
    assert figures["datagrams_sent_total"] == 0 and figures["probes_total"] == 0


def test_foreign_datagrams_change_nothing_and_who_leaves_is_known_to_have_left(three):
    one, two, three_ = three
    before = metrics(one)["datagrams_refused_total"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for junk in (b"", b"MRP\x01" + os.urandom(200), os.urandom(60_000), b"x"):
            sender.sendto(junk, ("127.0.0.1", one.health_port))
    deadline = time.monotonic() + WAIT_S
    while metrics(one)["datagrams_refused_total"] < before + 4:
        assert time.monotonic() < deadline, metrics(one)
        time.sleep(0.05)
    assert metrics(one)["containers_active"] == 3
    two.stop()
    took = wait_active((one, three_), 2)
    print(f"left: seen after {took:.2f} s")
    assert metrics(one)["doubts_total"] == metrics(three_)["doubts_total"] == 0


def test_a_hung_configuration_filesystem_is_not_its_containers_end(cluster, tmp_path):
    if reason := slow_mount.reason_unavailable():
        pytest.skip(reason)
    with slow_mount.slow_mount(tmp_path) as mount:
        cluster.config_fs.rmdir()
        cluster.config_fs = mount.source
        cluster.create("--durability", "none")
        one, three_ = (cluster.start(name).wait_ready() for name in ("one", "three"))
        cluster.config_fs = mount.path
        two = cluster.start("two").wait_ready()
        cluster.config_fs = mount.source
        wait_active((one, two, three_), 3)
        mount.hang()
        try:
            # The others hear of it from the container itself.
            deadline = time.monotonic() + WAIT_S
            while "name=two state=active configuration_filesystem=lost" not in one.output():
                assert time.monotonic() < deadline, one.output()
                time.sleep(0.05)
            assert metrics(two)["configuration_age_seconds"] > 1
            # And so does whoever asks with the filesystem alone.
            while True:
                seen = {each["name"]: each for each in cluster.status()["containers"]}["two"]
                if seen["state"] == "active" and "lost the configuration" in seen["why"]:
                    break
                assert time.monotonic() < deadline, seen
            for container in (one, two, three_):
                assert metrics(container)["containers_active"] == 3
            # It learns of another's end by the network alone.
            three_.kill()
            took = wait_active((one, two), 2)
            print(f"killed: seen after {took:.2f} s, one without its configuration filesystem")
        finally:
            mount.clear()
        while "name=two state=active configuration_filesystem=back" not in one.output():
            assert time.monotonic() < deadline + WAIT_S, one.output()
            time.sleep(0.05)
        assert not blamed(one, "two")
        two.stop()


@pytest.fixture
def namespace():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    for tool in ("ip", "nft"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool}")
    name = f"millrace-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        pytest.skip("no network namespaces")
    inside = ("ip", "netns", "exec", name)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_a_network_that_is_cut_is_not_its_containers_end(cluster, namespace):
    cluster.create("--durability", "none")
    for name in NAMES:
        cluster.start(name, prefix=namespace)
    one, two, three_ = (container.wait_ready() for container in cluster.containers)
    wait_active((one, two, three_), 3, namespace)
    rules = "".join(f"add rule inet cut input udp {side} {two.health_port} drop\n"
                    for side in ("sport", "dport"))
    done = subprocess.run(
        [*namespace, "nft", "-f", "-"], check=False, capture_output=True, text=True,
        input="add table inet cut\n"
              "add chain inet cut input { type filter hook input priority 0; }\n" + rules)
    if done.returncode:
        pytest.skip("no nftables: " + done.stderr.strip())
    deadline = time.monotonic() + WAIT_S
    while metrics(one, namespace)["containers_by_beat_alone"] != 1:
        assert time.monotonic() < deadline, metrics(one, namespace)
    while metrics(two, namespace)["containers_by_beat_alone"] != 2:
        assert time.monotonic() < deadline, metrics(two, namespace)
    for container in (one, two, three_):
        assert metrics(container, namespace)["containers_active"] == 3
        assert not any(blamed(container, name) for name in NAMES)
    two.kill()
    took = wait_active((one, three_), 2, namespace)
    print(f"killed behind a cut: seen after {took:.2f} s")
