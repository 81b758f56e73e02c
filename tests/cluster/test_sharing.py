"""Two containers at work on the same keys at the same time."""

import concurrent.futures
import hashlib
import os
import random
import threading
import time

import botocore.exceptions
import loop_mount
import pytest

RACES = 60
WORK_S = 6


def code_of(error):
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def pair(cluster):
    cluster.create("--durability", "none")
    one = cluster.start("one").wait_ready()
    two = cluster.start("two").wait_ready()
    one.client().create_bucket(Bucket="shared")
    return one, two


def test_of_racing_creates_exactly_one_wins(pair):
    clients = [container.client() for container in pair for _ in range(4)]
    start = threading.Barrier(len(clients))

    def create(number, client, key):
        start.wait()
        try:
            client.put_object(Bucket="shared", Key=key, Body=b"%d" % number, IfNoneMatch="*")
            return number
        except botocore.exceptions.ClientError as error:
            assert code_of(error) in (409, 412), error
            return None

    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        for race in range(RACES):
            key = f"race/{race}"
            answers = list(pool.map(create, range(len(clients)), clients,
                                    [key] * len(clients)))
            winners = [number for number in answers if number is not None]
            assert len(winners) == 1, f"{key}: {winners}"
            body = clients[race % 8].get_object(Bucket="shared", Key=key)["Body"].read()
            assert body == b"%d" % winners[0]


def test_of_racing_replacements_exactly_one_wins(pair):
    """If-Match through both containers: each round all clients have seen the same version. The
    key lies beside a directory, so that the object is inside of it half of the time."""
    clients = [container.client() for container in pair for _ in range(4)]
    start = threading.Barrier(len(clients))

    def replace(number, client, key, etag):
        start.wait()
        try:
            client.put_object(Bucket="shared", Key=key, Body=b"%d of %s" % (number, etag.encode()),
                              IfMatch=etag)
            return number
        except botocore.exceptions.ClientError as error:
            assert code_of(error) == 412, error
            return None

    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        for race in range(RACES):
            key = f"match/{race % 2}"
            if race == RACES // 2:
                clients[0].put_object(Bucket="shared", Key="match/0/below", Body=b"x")
            etag = clients[race % 8].put_object(Bucket="shared", Key=key,
                                                Body=b"%d" % race)["ETag"]
            answers = list(pool.map(replace, range(len(clients)), clients,
                                    [key] * len(clients), [etag] * len(clients)))
            winners = [number for number in answers if number is not None]
            assert len(winners) == 1, f"{key}: {winners}"
            body = clients[race % 8].get_object(Bucket="shared", Key=key)["Body"].read()
            assert body == b"%d of %s" % (winners[0], etag.encode())


def test_renames_through_both_lose_and_double_nothing(pair):
    """Three objects that go round among keys in each other's way, nothing replaced."""
    keys = ["a", "a/b", "c/d", "e"]
    for number, key in enumerate(keys[:3]):
        pair[0].client().put_object(Bucket="shared", Key=key, Body=b"%d" % number)
    wrong = []

    def work(seed):
        client = pair[seed % 2].client()
        for step in range(40):
            source, target = keys[(seed + step) % 4], keys[(seed * 3 + step * step + 1) % 4]
            try:
                client.rename_object(Bucket="shared", Key=target, RenameSource=f"shared/{source}",
                                     DestinationIfNoneMatch="*")
            except botocore.exceptions.ClientError as error:
                if code_of(error) not in (404, 412):
                    wrong.append(f"{source} to {target}: {error}")

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert not wrong, wrong[:3]
    client = pair[1].client()
    listed = [each["Key"] for each in client.list_objects_v2(Bucket="shared")["Contents"]]
    bodies = [client.get_object(Bucket="shared", Key=key)["Body"].read() for key in listed]
    assert sorted(bodies) == [b"0", b"1", b"2"]


def test_objects_that_become_directories_and_back_lose_nothing(pair):
    """Keys that lie in each other's way, written and deleted through both containers: every
    answer is one that S3 may give, every body whole, and what is listed is what can be read."""
    keys = ["k", "k/l", "k/l/m", "k/l/n", "q", "q/r"]
    end = time.monotonic() + WORK_S
    wrong = []

    def work(seed, container):
        client, chance = container.client(), random.Random(seed)
        while time.monotonic() < end:
            key = chance.choice(keys)
            try:
                what = chance.random()
                if what < 0.45:
                    body = os.urandom(chance.choice((10, 5000, 100_000)))
                    client.put_object(Bucket="shared", Key=key, Body=body,
                                      Metadata={"sha": hashlib.sha256(body).hexdigest()})
                elif what < 0.7:
                    client.delete_object(Bucket="shared", Key=key)
                else:
                    got = client.get_object(Bucket="shared", Key=key)
                    body = got["Body"].read()
                    if got["Metadata"]["sha"] != hashlib.sha256(body).hexdigest():
                        wrong.append(f"{key}: a body that is not its own")
            except botocore.exceptions.ClientError as error:
                if code_of(error) != 404:
                    wrong.append(f"{key}: {error}")

    threads = [threading.Thread(target=work, args=(number, pair[number % 2]))
               for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]
    views = []
    for container in pair:
        client = container.client()
        listed = {each["Key"]: each["ETag"]
                  for each in client.list_objects_v2(Bucket="shared").get("Contents", [])}
        for key in keys:
            try:
                assert client.head_object(Bucket="shared", Key=key)["ETag"] == listed[key]
            except botocore.exceptions.ClientError as error:
                assert code_of(error) == 404 and key not in listed, key
        views.append(listed)
    assert views[0] == views[1]


def test_an_acknowledged_write_is_read_at_once_through_the_other(pair):
    first, second = pair[0].client(), pair[1].client()
    for number in range(500):
        writer, reader = (first, second) if number % 2 else (second, first)
        body = b"%d" % number
        writer.put_object(Bucket="shared", Key="same", Body=body)
        assert reader.get_object(Bucket="shared", Key="same")["Body"].read() == body
        if number % 10 == 0:
            writer.delete_object(Bucket="shared", Key="same")
            with pytest.raises(first.exceptions.NoSuchKey):
                reader.get_object(Bucket="shared", Key="same")


def test_multipart_parts_through_both(pair):
    first, second = pair[0].client(), pair[1].client()
    part = os.urandom(5 * 1024 * 1024)
    upload = first.create_multipart_upload(Bucket="shared", Key="parts")["UploadId"]
    tags = []
    for number, client in enumerate((second, first, second), 1):
        tags.append({"PartNumber": number, "ETag": client.upload_part(
            Bucket="shared", Key="parts", UploadId=upload, PartNumber=number, Body=part)["ETag"]})
    target = {"Bucket": "shared", "Key": "parts", "UploadId": upload}
    done = second.complete_multipart_upload(**target, MultipartUpload={"Parts": tags})
    # Whoever did not hear the answer asks again, wherever the load balancer sends him.
    again = first.complete_multipart_upload(**target, MultipartUpload={"Parts": tags})
    assert again["ETag"] == done["ETag"]
    with pytest.raises(first.exceptions.NoSuchUpload):
        first.abort_multipart_upload(**target)
    assert first.get_object(Bucket="shared", Key="parts")["Body"].read() == part * 3


def test_a_lost_configuration_filesystem_stops_no_object(cluster, tmp_path):
    if reason := loop_mount.reason_unavailable():
        pytest.skip(reason)
    image = loop_mount.Image(tmp_path, tmp_path, "ext4", 32)
    try:
        cluster.config_fs = image.path
        cluster.create("--durability", "none")
        one = cluster.start("one").wait_ready()
        cluster.wait_states({"one": "active"})
        image.cut_power()
        deadline = time.monotonic() + 5
        while "configuration filesystem is lost" not in one.output():
            assert time.monotonic() < deadline, one.output()
            time.sleep(0.05)
        client = one.client()
        client.create_bucket(Bucket="serving")
        client.put_object(Bucket="serving", Key="k", Body=b"served")
        assert client.get_object(Bucket="serving", Key="k")["Body"].read() == b"served"
        status, _, errors = cluster.run("containers", "drain", "one")
        assert status == 1 and errors.count("\n") == 1
    finally:
        cluster.end()
        image.close()
