"""A filesystem without user attributes: what is said of an object lies in a file beside it, and
nobody who reads, kills or restarts the server notices."""

import errno
import os
import random

import boto3
import botocore.config
import ledger
import pytest
import writers
from conftest import CREDENTIALS

PART = 5 << 20


def client_of(server):
    return boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1",
                        aws_access_key_id=CREDENTIALS[0], aws_secret_access_key=CREDENTIALS[1],
                        config=botocore.config.Config(s3={"addressing_style": "path"}))


def answer_of(client, key):
    got = client.get_object(Bucket="plain", Key=key)
    return (got["ETag"], got["ContentType"], got["Metadata"], got["Body"].read())


def test_objects_keep_what_is_said_of_them(plain, start):
    data = plain.path / "data"
    data.mkdir()
    with pytest.raises(OSError) as refused:
        os.setxattr(data, "user.any", b"value")
    assert refused.value.errno == errno.EOPNOTSUPP
    server = start(data)
    client = client_of(server)
    client.create_bucket(Bucket="plain")
    client.put_object(Bucket="plain", Key="a/small", Body=b"small", ContentType="text/x-own",
                      Metadata={"name": "value" * 300})
    client.put_object(Bucket="plain", Key="a", Body=b"a directory's")
    upload = client.create_multipart_upload(Bucket="plain", Key="large", ContentType="text/large")
    place = {"Bucket": "plain", "Key": "large", "UploadId": upload["UploadId"]}
    bodies = [os.urandom(PART), os.urandom(PART), b"last"]
    parts = [{"PartNumber": n, "ETag": client.upload_part(**place, PartNumber=n, Body=body)["ETag"]}
             for n, body in enumerate(bodies, 1)]
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    keys = ("a", "a/small", "large")
    before = {key: answer_of(client, key) for key in keys}
    assert before["a/small"][1:] == ("text/x-own", {"name": "value" * 300}, b"small")
    assert before["large"][0].endswith('-3"') and before["large"][3] == b"".join(bodies)
    listed = client.list_objects_v2(Bucket="plain")["Contents"]
    assert {one["Key"]: one["ETag"] for one in listed} == {key: before[key][0] for key in keys}

    server.process.kill()
    server.process.wait()
    server = start(data)
    client = client_of(server)
    assert {key: answer_of(client, key) for key in keys} == before

    # The same files where attributes could be had: they stay where they are.
    server.stop()
    data = plain.source / "data"
    server = start(data)
    client = client_of(server)
    assert {key: answer_of(client, key) for key in keys} == before
    for key in keys:
        client.delete_object(Bucket="plain", Key=key)
    assert list((data / "plain" / ".mr.sys" / "meta").iterdir()) == []
    client.delete_bucket(Bucket="plain")
    server.stop()


def test_every_acknowledged_write_survives_kills(plain, start, long_run):
    rounds = 20 if long_run else 2
    data = plain.path / "data"
    data.mkdir()
    chance = random.Random(11)
    crowd = writers.Crowd(4, 11)
    server = start(data)
    ledger.Wire(server).ask("PUT", f"/{writers.BUCKET}")
    for _ in range(rounds):
        with crowd.at_work(server):
            crowd.wait_for(chance.randint(40, 80))
            server.process.kill()
            server.process.wait()
        server = start(data)
        crowd.check(server)
    assert crowd.book.acks >= 40 * rounds
    server.stop()
