"""Fixtures of the client tests: a running server (one for the session, or one for a test),
clients that talk to it, and buckets that are emptied afterwards."""

import itertools

import boto3
import botocore.config
import pytest
import raw
import server as servers

BUCKET_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def scrubbed():
    """boto3 runs in this very process: it must not see this machine's AWS settings either."""
    patch = pytest.MonkeyPatch()
    wanted = servers.scrubbed_environment()
    for name in list(servers.os.environ):
        if name not in wanted:
            patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def server(scrubbed, tmp_path_factory):
    """One server for the whole session, with credentials of its own making."""
    running = servers.Millrace.start(tmp_path_factory.mktemp("millrace"))
    yield running
    running.stop()


@pytest.fixture
def start_server(scrubbed, tmp_path):
    """start_server(*arguments, credentials=None, data=None): servers of this test alone. A
    test may stop one itself; what still runs at its end is stopped then."""
    running = []

    def start(*arguments, **options):
        running.append(servers.Millrace.start(tmp_path, *arguments, **options))
        return running[-1]

    yield start
    for one in running:
        if one.process.returncode is None:
            one.stop()


@pytest.fixture
def own_server(start_server):
    """One fresh server for one test."""
    return start_server()


def make_client(running, **options):
    """A boto3 client without retries, so that a test sees the first answer."""
    config = botocore.config.Config(
        signature_version="s3v4", retries={"total_max_attempts": 1}, read_timeout=60,
        max_pool_connections=16, s3={"addressing_style": "path"})
    settings = {"aws_access_key_id": running.access_key,
                "aws_secret_access_key": running.secret_key, "region_name": "us-east-1",
                "endpoint_url": running.endpoint, "config": config, **options}
    return boto3.session.Session().client("s3", **settings)


@pytest.fixture(scope="session")
def s3(server):
    return make_client(server)


@pytest.fixture
def client_with(server):
    """client_with(aws_secret_access_key=...): a client whose settings differ."""
    return lambda **options: make_client(server, **options)


@pytest.fixture
def wire(server):
    """Requests byte by byte, see raw.py."""
    return raw.Client(server.endpoint, server.access_key, server.secret_key)


def empty_bucket(client, name):
    for upload in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
        client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            client.delete_object(Bucket=name, Key=item["Key"])


@pytest.fixture
def bucket(s3):
    """A new bucket; gone with all that is in it after the test."""
    name = f"test-bucket-{next(BUCKET_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    yield name
    empty_bucket(s3, name)
    s3.delete_bucket(Bucket=name)
