"""Three containers on three hosts over a replicated GlusterFS volume, HAProxy in front: what one
has acknowledged, the others have at once, and the death of one is not noticed by clients."""

import io
import os
import random
import threading
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest
import server as servers

import bed as beds
from bed import faults
from bed.bed import temporary
from bed.containers import KEYS, Container
from bed.host import wait_until
from bed.work import BUCKET, Client

LONG = os.environ.get("MILLRACE_LONG") == "1"
CHECKS = 10_000 if LONG else 150
RACES = 200 if LONG else 15
WORK_S = 20 if LONG else 3
LARGE_DIRECTORY = 700  # more names than are read anew anyway


@pytest.fixture(scope="module")
def built():
    if (why := beds.missing()) is not None:
        pytest.skip(why)
    with temporary(servers.binary().resolve().parent) as made:
        yield made


@pytest.fixture
def bed(built):
    """The test's thread is on the bed's network."""
    with built.switch.inside():
        yield built


def addresses(bed):
    return [container.address for container in bed.containers]


def listed(client, prefix):
    """The first keys."""
    answer = client.ask("GET", f"/{BUCKET}", query=[("list-type", "2"), ("prefix", prefix),
                                                    ("max-keys", "3")])
    return [each.findtext("Key") for each in answer.xml().iter("Contents")]


def test_changes_are_seen_through_the_others_at_once(bed):
    clients = [Client(address) for address in addresses(bed)]
    chance = random.Random(1)
    checks, wrong = 0, []

    def check(what, seen, wanted):
        nonlocal checks
        checks += 1
        if seen != wanted:
            wrong.append((what, seen, wanted))

    number = 0
    while checks < CHECKS:
        number += 1
        one, two, three = chance.sample(clients, 3)
        key = f"seen/{number % 5}/{number}"
        path = f"/{BUCKET}/{key}"
        first, second = (os.urandom(chance.choice((10, 5000, 80_000))) for _ in range(2))
        check("missing", two.ask("GET", path).status, 404)
        check("put", one.ask("PUT", path, first).status, 200)
        check("read", two.ask("GET", path).body, first)
        check("listed", listed(three, key), [key])
        check("overwritten", three.ask("PUT", path, second).status, 200)
        for client in (one, two):
            check("read again", client.ask("GET", path).body, second)
        check("deleted", two.ask("DELETE", path).status, 204)
        for client in (one, three):
            check("gone", client.ask("GET", path).status, 404)
            check("listed no more", listed(client, key), [])
    print(f"{checks} checks, {len(wrong)} wrong")
    assert not wrong, wrong[:5]


def test_a_large_directory_is_listed_as_the_others_leave_it(bed):
    # By hand, since plain files are objects, too.
    bed.nodes[0].run("sh", "-c", f"mkdir -p {bed.cluster.data}/{BUCKET}/large && cd "
                     f"{bed.cluster.data}/{BUCKET}/large && seq -f '%05g' {LARGE_DIRECTORY} | "
                     "xargs touch")
    one, two, three = (Client(address) for address in addresses(bed))
    for number in range(2):
        key = f"large/00000-{number}"
        assert key not in listed(three, "large/")
        assert one.ask("PUT", f"/{BUCKET}/{key}", b"new").status == 200
        for client in (two, three):
            assert listed(client, "large/")[0] == key
        assert two.ask("DELETE", f"/{BUCKET}/{key}").status == 204
        assert listed(one, "large/")[0] == "large/00001"


def test_of_racing_creates_exactly_one_wins(bed):
    clients = [Client(address) for address in addresses(bed)] * 2
    start = threading.Barrier(len(clients))
    answers = {}

    def create(number, client):
        for race in range(RACES):
            start.wait(60)
            # 409: the lock was not to be had in time, or an answer went missing.
            answer = client.ask("PUT", f"/{BUCKET}/race/{race}", b"%d" % number,
                                headers={"If-None-Match": "*"})
            answers[race, number] = answer.status

    threads = [bed.switch.thread(create, number, client) for number, client in enumerate(clients)]
    for thread in threads:
        thread.join(300)
    for race in range(RACES):
        statuses = [answers[race, number] for number in range(len(clients))]
        assert statuses.count(200) == 1 and set(statuses) <= {200, 409, 412}, statuses
        winner = b"%d" % statuses.index(200)
        assert all(client.ask("GET", f"/{BUCKET}/race/{race}").body == winner
                   for client in clients[:3])


def test_a_mount_that_remembers_names_is_refused(bed):
    """What the front host mounts answers from memory: by default for a second, here for longer,
    since a loaded machine may take that long."""
    host = bed.front
    bed.gluster.mount(host, ("--attribute-timeout=60", "--entry-timeout=60"), bed.nodes[0])
    try:
        check = host.run(servers.binary(), "check", "--data", bed.gluster.point / "unused")
        assert "remembered" in check.stdout and "entry-timeout=0" in check.stdout, check.stdout
        container = Container(host, bed.cluster.config_fs).start()
        assert container.process.wait(60) == 1
        line, = container.output().splitlines()
        assert "can't be shared with the container host" in line, line
        assert "entry-timeout=0" in line
    finally:
        host.run("umount", "--lazy", bed.gluster.point)
    check = bed.nodes[0].run(servers.binary(), "check", "--listen", "9010", "--health", "9011",
                             "--data", bed.gluster.point / "unused")
    assert "remembered" not in check.stdout


def test_a_killed_container_is_not_noticed_by_clients(bed):
    """boto3 with its own retries, through the balancer."""
    faulty, written = [], {}
    ending = threading.Event()

    def work(number):
        client = boto3.client(
            "s3", endpoint_url=f"http://{bed.balancer.address}", aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1], region_name="us-east-1",
            config=botocore.config.Config(s3={"addressing_style": "path"}))
        turn = 0
        while not ending.is_set():
            turn += 1
            key = f"kill/{number}/{turn % 7}"
            try:
                client.put_object(Bucket=BUCKET, Key=key, Body=b"%d" % turn)
                written[key] = b"%d" % turn
                # A body that breaks off is asked for again by its transfers, not by get_object.
                client.download_fileobj(BUCKET, key, read := io.BytesIO())
                body = read.getvalue()
                if body != written[key]:
                    faulty.append(f"{key}: {body} instead of {written[key]}")
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                faulty.append(f"{key}: {error!r}")

    threads = [bed.switch.thread(work, number) for number in range(4)]
    wait_until(lambda: len(written) >= 12 or faulty, "some writes")
    victim = bed.containers[1]
    try:
        victim.kill()
        bed.balancer.wait_states(**{victim.name: False})
        time.sleep(WORK_S)
    finally:
        ending.set()
        for thread in threads:
            thread.join(120)
        victim.start().wait_ready()
    bed.balancer.wait_states(**{victim.name: True})
    assert not faulty, faulty[:5]
    for address in addresses(bed):
        client = Client(address)
        for key, body in written.items():
            assert client.ask("GET", f"/{BUCKET}/{key}").body == body


@pytest.mark.parametrize("fault", faults.ALL, ids=lambda fault: fault.__name__)
def test_faults_lose_nothing(fault):
    if not LONG:
        pytest.skip("MILLRACE_LONG=1 runs it")
    if (why := beds.missing()) is not None:
        pytest.skip(why)
    with temporary(servers.binary().resolve().parent) as bed, bed.switch.inside():
        load, figures = faults.under_load(bed, fault, 1)
    print(fault.__name__, dict(load.counts), figures, load.faults[:8])
    assert load.counts["acknowledged"] > 20
    assert load.counts["stale or lost"] == 0, load.faults
    assert load.counts["failed"] == 0, load.faults
