"""How a container leaves its cluster's traffic: by its administrator, and not because of its
configuration filesystem."""

import re
import time

import probes
import pytest
import slow_mount

NOTICE_S = 2
CLOSING_S = 1


def reason(container):
    return probes.ask(container.health_port)[1].decode().strip()


def wait_for_reason(container, wanted, within_s=15):
    deadline = time.monotonic() + within_s
    while (seen := reason(container)) != wanted:
        assert time.monotonic() < deadline, f"{container.name} is {seen}"
        time.sleep(0.02)
    return time.monotonic()


def figure(container, name):
    text = probes.ask(container.health_port, path="/metrics")[1].decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))


def test_a_drain_by_the_administrator_is_the_notice_and_a_removal_gives_one(cluster):
    cluster.create()
    one, two, three = (cluster.start(name, "--drain-notice", str(NOTICE_S))
                       for name in ("one", "two", "three"))
    for container in (one, two, three):
        container.wait_ready()
    assert cluster.run("containers", "drain", "two")[0] == 0
    drained = wait_for_reason(two, "draining")
    assert cluster.run("containers", "remove", "three")[0] == 0
    removed = wait_for_reason(three, "draining")
    client = three.client()
    while time.monotonic() < removed + NOTICE_S - 0.5:  # nobody is turned away meanwhile
        assert client.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
        time.sleep(0.05)
    assert three.process.wait(15) == 0
    assert time.monotonic() > removed + NOTICE_S
    # Drained for as long as the notice is: only those who keep connections are waited for.
    time.sleep(max(0.0, drained + NOTICE_S + 0.2 - time.monotonic()))
    began = time.monotonic()
    two.stop()
    assert time.monotonic() < began + NOTICE_S + CLOSING_S


def test_a_container_serves_on_when_its_configuration_filesystem_hangs(cluster, tmp_path):
    if why := slow_mount.reason_unavailable():
        pytest.skip(why)
    with slow_mount.slow_mount(tmp_path) as mount:
        cluster.config_fs = mount.path
        cluster.create()
        one = cluster.start("one").wait_ready()
        client = one.client()
        client.create_bucket(Bucket="kept")
        mount.hang()
        try:
            deadline = time.monotonic() + 15
            while figure(one, "millrace_cluster_configuration_age_seconds") < 2:
                assert time.monotonic() < deadline, "nobody is told"
                time.sleep(0.05)
            assert reason(one) == "ready"
            client.put_object(Bucket="kept", Key="meanwhile", Body=b"x")
        finally:
            mount.clear()
        deadline = time.monotonic() + 15
        while figure(one, "millrace_cluster_configuration_age_seconds") > 1:
            assert time.monotonic() < deadline, "it does not come back"
            time.sleep(0.05)
        one.stop()
