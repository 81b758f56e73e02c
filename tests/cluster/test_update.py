"""Changing the settings of a running cluster: containers start again one after the other, each
confirms, and whoever asks is told."""

import contextlib
import os
import subprocess
import sys
import threading

import botocore.exceptions
import pytest
import server as servers


def test_update_reaches_every_container_without_an_interruption(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    answered, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            for container in (one, two):
                try:
                    container.client().list_buckets()
                    answered.append(container.name)
                    break
                except botocore.exceptions.EndpointConnectionError:
                    continue
            else:
                answered.append("nobody")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        status, out, errors = cluster.run("update", "--max-buckets", "1", "--domain",
                                          "S3.example.com")
    finally:
        stop.set()
        asking.join()
    assert status == 0, errors
    assert "one has confirmed" in out and "two has confirmed" in out
    assert "nobody" not in answered and answered
    # In force in both, and it was the same two processes.
    seen = cluster.status()
    generation = seen["cluster"]["generation"]
    assert seen["cluster"]["buckets_max"] == 1
    assert seen["cluster"]["domains"] == ["s3.example.com"]
    assert {each["generation"] for each in seen["containers"]} == {generation}
    one.client().create_bucket(Bucket="first")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        two.client().create_bucket(Bucket="second")
    assert refused.value.response["Error"]["Code"] == "TooManyBuckets"
    two.client().create_bucket(Bucket="first")  # one's own, once more
    # The same again is no change.
    status, out, _ = cluster.run("update", "--max-buckets", "1")
    assert status == 0 and "has it so already" in out
    _, out, _ = cluster.run("events", "--json")
    assert out.count('"cluster-updated"') == 1


@contextlib.contextmanager
def port_taken(container, port):
    """By another process of the container's own network."""
    program = (f"import socket\ns = socket.create_server(('0.0.0.0', {port}))\n"
               "print('taken', flush=True)\ninput()")
    with subprocess.Popen(["nsenter", "-t", str(container.process.pid), "-n", sys.executable,
                           "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"taken\n"
        yield
        other.stdin.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace")
def test_a_change_that_cannot_be_started_with_stops_at_the_first(cluster):
    """Its port is another one's: the second container is left as it was."""
    cluster.create()
    one = cluster.start("one", isolated=True).wait_ready()
    two = cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    with port_taken(one, 9100):
        status, out, errors = cluster.run("update", "--port", "9100", "--wait", "5")
        assert status == 3 and "not confirmed by all" in errors
        assert "two has not confirmed: waits for one to start again" in out, out
        assert one.process.wait(servers.STOP_S) == 1
        assert two.process.poll() is None
        assert two.client().list_buckets()["Buckets"] == []
    # Taken back: two goes by it as it is, and one comes with it.
    status, out, errors = cluster.run("update", "--port", "9000")
    assert status == 0 and "one is not alive: takes it when it starts" in out, errors
    cluster.start("one", isolated=True).wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})


def test_one_that_is_removed_while_it_starts_again_stays_away(cluster):
    cluster.create()
    one = cluster.start("one", "--drain-notice", "2").wait_ready()
    two = cluster.start("two", "--drain-notice", "2").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    assert cluster.run("update", "--max-buckets", "7", "--wait", "0")[0] == 3
    cluster.wait_states({"one": "draining", "two": "active"})
    assert cluster.run("containers", "remove", "one")[0] == 0
    assert one.process.wait(servers.STOP_S) == 0
    status, out, errors = cluster.run("update", "--max-buckets", "7")
    assert status == 0 and "two has confirmed" in out, errors
    assert list(cluster.states()) == ["two"]
    # Nor does one of a cluster that is no more.
    assert cluster.run("update", "--max-buckets", "8", "--wait", "0")[0] == 3
    cluster.wait_states({"two": "draining"})
    status, _, errors = cluster.run("destroy", "--force")
    assert status == 0, errors
    assert two.process.wait(servers.STOP_S) == 0


def test_update_changes_who_may_join(cluster):
    cluster.create()
    cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    status, out, errors = cluster.run("update", "--containers", "one,three")
    assert status == 0, errors
    assert two.process.wait(servers.STOP_S) == 0
    assert cluster.start("two").process.wait(20) == 1
    assert cluster.run("update", "--any-container")[0] == 0
    cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active", "three": "inactive"})


def test_wrong_updates_change_nothing(cluster):
    cluster.create()

    def refused(wanted, *words, status=1):
        got, _, errors = cluster.run("update", *words)
        assert (got, wanted in errors, errors.count("\n")) == (status, True, 1), errors

    refused("nothing to change", status=2)
    refused("not allowed", "--domain", "a_b")
    refused("not allowed", "--durability", "some")
    refused("is the S3 port, too", "--port", "9001")
    refused("--port", "--port", "0", status=2)
    refused("--max-buckets", "--max-buckets", "-1", status=2)
    refused("--anonymous-posix-uid", "--anonymous-posix-uid", "4294967295", status=2)
    refused("is no name", "--containers", "A_B")
    assert cluster.status()["cluster"]["generation"] == 1


def test_finalize_wants_to_know_every_version(cluster):
    cluster.create("--container", "one", "--container", "two")
    cluster.start("one").wait_ready()
    status, _, errors = cluster.run("update", "--finalize")
    assert status == 1 and "has never joined" in errors
    assert cluster.run("containers", "remove", "two")[0] == 0
    status, out, errors = cluster.run("update", "--finalize")
    assert status == 0 and "The feature level is 1" in out, errors
