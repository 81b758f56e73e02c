"""The life of a cluster by its command line: each verb in its order, and out of it."""

import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import server as servers
from conftest import KEYS


def test_two_containers_serve_one_set_of_objects(cluster):
    assert "every container" in cluster.create()
    one = cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    first, second = one.client(), two.client()
    first.create_bucket(Bucket="shared")
    for number in range(200):
        key = f"folder/{number % 7}/key"
        body = b"%d" % number
        writer, reader = (first, second) if number % 2 else (second, first)
        writer.put_object(Bucket="shared", Key=key, Body=body)
        assert reader.get_object(Bucket="shared", Key=key)["Body"].read() == body
    listed = {each["Key"] for each in second.list_objects_v2(Bucket="shared")["Contents"]}
    assert listed == {f"folder/{n}/key" for n in range(7)}
    assert (cluster.data / "shared/folder/3/key").is_file()
    second.delete_object(Bucket="shared", Key="folder/3/key")
    with pytest.raises(first.exceptions.NoSuchKey):
        first.get_object(Bucket="shared", Key="folder/3/key")
    status = cluster.status()
    assert status["cluster"]["state"] == "active"
    assert sum(each["requests"] for each in status["containers"]) >= 400


def test_status_of_one_container_says_that_there_is_no_redundancy(cluster):
    cluster.create()
    status, out, _ = cluster.run("status")
    assert status == 0 and "Inactive" in out
    cluster.start("one").wait_ready()
    cluster.wait_states({"one": "active"})
    _, out, _ = cluster.run("status")
    assert "there is no redundancy" in out
    assert cluster.status()["cluster"]["state"] == "degraded"


def test_a_killed_container_is_seen_and_comes_back(cluster):
    cluster.create()
    cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    two.kill()
    cluster.wait_states({"one": "active", "two": "inactive"})
    assert cluster.status()["cluster"]["state"] == "degraded"
    cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    # The first that is alive writes them, on its own next look.
    deadline = time.monotonic() + 5
    while True:
        _, out, _ = cluster.run("events", "--json")
        told = [(e["event"], e["subject"]) for e in map(json.loads, out.splitlines())]
        if ("container-inactive", "two") in told and ("container-active", "two") in told:
            break
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def test_a_stopped_process_is_not_held_against_the_others(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    one.process.send_signal(signal.SIGSTOP)
    try:
        cluster.wait_states({"one": "inactive", "two": "active"})
    finally:
        one.process.send_signal(signal.SIGCONT)
    cluster.wait_states({"one": "active", "two": "active"})
    assert "name=two state=inactive" not in one.output()


def test_drain_turns_readiness_off_and_undrain_on(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    cluster.start("two").wait_ready()

    def ready():
        url = f"http://127.0.0.1:{one.health_port}/wekas3api/health/ready"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def wait_ready(wanted):
        deadline = time.monotonic() + 5
        while ready() != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    wait_ready(200)
    assert cluster.run("containers", "drain", "one")[0] == 0
    wait_ready(503)
    cluster.wait_states({"one": "draining", "two": "active"})
    one.client().list_buckets()  # what still comes is served
    assert cluster.run("containers", "undrain", "one")[0] == 0
    wait_ready(200)
    cluster.wait_states({"one": "active", "two": "active"})


def test_only_named_containers_join_where_some_were_named(cluster):
    cluster.create("--container", "one", "--container", "two")
    stranger = cluster.start("three")
    assert stranger.process.wait(20) == 1
    assert "is not a container of this cluster" in stranger.output()
    cluster.start("one").wait_ready()
    assert cluster.run("containers", "add", "three")[0] == 0
    cluster.start("three").wait_ready()
    cluster.wait_states({"one": "active", "three": "active", "two": "inactive"})
    _, out, _ = cluster.run("containers", "list")
    assert "has never joined" in out


def test_a_second_live_container_of_a_name_is_refused(cluster):
    cluster.create()
    cluster.start("one").wait_ready()
    again = cluster.start("one")
    assert again.process.wait(20) == 1
    assert "a live container has this name" in again.output()


def test_a_removed_container_stops(cluster):
    cluster.create()
    cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    assert cluster.run("containers", "remove", "two")[0] == 0
    assert two.process.wait(servers.STOP_S) == 0
    status, _, errors = cluster.run("containers", "remove", "one")
    assert status == 1 and "last container" in errors
    cluster.wait_states({"one": "active"})


def test_destroy_keeps_every_object_and_the_keys(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    one.client().create_bucket(Bucket="kept")
    one.client().put_object(Bucket="kept", Key="a/b", Body=b"object")
    status, _, errors = cluster.run("destroy")
    assert status == 1 and "has 1 bucket(s)" in errors
    cluster.wait_states({"one": "active"})
    status, out, errors = cluster.run("destroy", "--force")
    assert status == 0, errors
    assert one.process.wait(servers.STOP_S) == 0
    assert "holds no cluster" in cluster.run("status")[2]
    assert (cluster.data / "kept/a/b").read_bytes() == b"object"
    names = sorted(each.name for each in (cluster.config_fs / "millrace").rglob("*")
                   if each.is_file())
    assert all(name.startswith("cluster.") for name in names)
    # Standalone again, with the same keys; then a cluster again.
    alone = servers.Millrace.start(cluster.folder, data=cluster.data)
    try:
        assert (alone.access_key, alone.secret_key) == KEYS
    finally:
        alone.stop()
    cluster.create()
    one = cluster.start("one").wait_ready()
    assert one.client().get_object(Bucket="kept", Key="a/b")["Body"].read() == b"object"


def test_destroy_asks(cluster):
    cluster.create()
    status, _, errors = cluster.run("destroy", answer="no\n")
    assert status == 1 and "not confirmed" in errors
    status, _, errors = cluster.run("destroy", answer="yes\n")
    assert status == 0, errors


def test_a_standalone_directory_with_its_keys_becomes_a_cluster(cluster):
    alone = servers.Millrace.start(cluster.folder, data=cluster.data)
    refused = cluster.run("create", "--data", f"main={cluster.data}")
    keys = (alone.access_key, alone.secret_key)
    alone.stop()
    assert refused[0] == 1 and "a server uses it" in refused[2]
    status, out, errors = cluster.run("create", "--data", f"main={cluster.data}")
    assert status == 0 and keys[1] not in out, errors
    assert cluster.start("one").wait_ready().client(keys).list_buckets()["Buckets"] == []
    lonely = subprocess.run([str(servers.binary()), "serve", "--data", str(cluster.data)],
                            capture_output=True, text=True, timeout=30,
                            env=servers.scrubbed_environment())
    assert lonely.returncode == 1


def test_wrong_order_and_wrong_input_change_nothing(cluster):
    def refused(wanted, *words, status=1):
        got, _, errors = cluster.run(*words)
        assert (got, wanted in errors, errors.count("\n")) == (status, True, 1), errors

    refused("holds no cluster", "status")
    refused("holds no cluster", "destroy", "--force")
    refused("holds no cluster", "containers", "add", "one")
    refused("--data", "create")
    refused("is not NAME=DIR", "create", "--data", str(cluster.data))
    refused("absent", "create", "--data", f"main={cluster.data}/absent")
    refused("is no name", "create", "--data", f"main={cluster.data}", "--container", "A_B")
    refused("not allowed", "create", "--data", f"main={cluster.data}", "--domain", "a_b")
    refused("not allowed", "create", "--data", f"main={cluster.data}", "--durability", "some")
    refused("is the S3 port, too", "create", "--data", f"main={cluster.data}",
            "--health-port", "9000")
    refused("--port", "create", "--data", f"main={cluster.data}", "--port", "0", status=2)
    refused("millrace cluster", "crate", status=2)
    assert not (cluster.config_fs / "millrace").exists()
    assert not (cluster.data / ".millrace").exists()
    cluster.create()
    refused("holds the cluster", "create", "--data", f"main={cluster.data}")
    refused("is not in the cluster", "containers", "drain", "one")


def test_a_configuration_filesystem_inside_the_data_is_refused(cluster):
    inside = cluster.data / "config"
    inside.mkdir()
    cluster.config_fs = inside
    status, _, errors = cluster.run("create", "--data", f"main={cluster.data}")
    assert status == 1 and "is inside the data directory" in errors
    cluster.config_fs = cluster.folder / "nowhere"
    status, _, errors = cluster.run("create", "--data", f"main={cluster.data}")
    assert status == 1 and "mount the configuration filesystem there" in errors


def test_a_copy_of_the_configuration_filesystem_is_refused(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    cluster.wait_states({"one": "active"})
    copy = cluster.folder / "copy"
    shutil.copytree(cluster.config_fs, copy)
    shared, cluster.config_fs = cluster.config_fs, copy
    two = cluster.start("two")
    assert two.process.wait(20) == 1
    assert "is not the configuration filesystem of the container one" in two.output()
    # Once nobody is there to contradict, it may as well be the cluster's, restored from a backup.
    one.stop()
    cluster.start("two").wait_ready().stop()
    cluster.config_fs = shared
    cluster.start("one").wait_ready()


def test_a_container_is_told_nothing_that_the_cluster_knows(cluster):
    cluster.create()
    for words in (("--data", str(cluster.data)), ("--region", "eu-west-1"), ("--domain", "a.b")):
        container = cluster.start("one", *words)
        assert container.process.wait(20) == 2
        assert "comes from the cluster's configuration" in container.output()
    other = cluster.start("one", environment={"MILLRACE_ACCESS_KEY": "other",
                                              "MILLRACE_SECRET_KEY": "other-secret-key"})
    assert other.process.wait(20) == 1
    assert "differs from the cluster's root keys" in other.output()
    assert "other-secret-key" not in other.output() and KEYS[1] not in other.output()


def test_a_torn_document_is_told_and_the_last_good_one_holds(cluster):
    cluster.create()
    one = cluster.start("one").wait_ready()
    cluster.wait_states({"one": "active"})
    generation = cluster.status()["cluster"]["generation"]
    torn = cluster.config_fs / "millrace" / f"cluster.{generation + 1}"
    torn.write_text('{"document": "cluster", "generation"')
    deadline = time.monotonic() + 5
    while str(torn.name) not in one.output():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert one.client().list_buckets()["Buckets"] == []
    status = cluster.status()
    assert status["cluster"]["generation"] == generation
    assert status["cluster"]["faults"][0]["path"].endswith(torn.name)
    status, _, errors = cluster.run("containers", "drain", "one")
    assert status == 1 and torn.name in errors


def test_containers_that_start_at_once_do_not_disturb_each_other(cluster):
    cluster.create("--durability", "none")
    names = ["one", "two", "three", "four"]
    for _ in range(2):
        started = [cluster.start(name) for name in names]
        for container in started:
            container.wait_ready()
        cluster.wait_states(dict.fromkeys(names, "active"))
        for container in started:
            container.stop()


def test_a_mount_point_without_its_filesystem_is_not_the_data(cluster):
    cluster.create()
    away = cluster.folder / "away"
    cluster.data.rename(away)
    cluster.data.mkdir()
    container = cluster.start("one")
    assert container.process.wait(20) == 1
    assert "mount the cluster's data filesystem there" in container.output()
    status, _, errors = cluster.run("destroy", "--force")
    assert status == 1 and "mount the cluster's data filesystem there" in errors
    assert list(cluster.data.iterdir()) == []
    # Neither has become a container, nor is the cluster destroyed.
    assert cluster.states() == {}
    cluster.data.rmdir()
    away.rename(cluster.data)
    cluster.start("one").wait_ready()
    cluster.wait_states({"one": "active"})


def test_a_cluster_whose_configuration_was_lost_gives_its_data_to_another(cluster):
    cluster.create()
    (cluster.config_fs / "millrace").rename(cluster.folder / "lost")
    status, _, errors = cluster.run("create", "--data", f"main={cluster.data}")
    assert status == 1 and "create --force" in errors
    cluster.create("--force")
    cluster.start("one").wait_ready()
    cluster.wait_states({"one": "active"})
