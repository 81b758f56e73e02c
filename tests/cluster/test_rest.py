"""The REST interface: what it describes, whom it answers, and the command line over it."""

import hashlib
import json
import socket
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import server as servers
from conftest import KEYS


def ask(container, method, path, body=None, keys=KEYS, sign=True, spoil=False):
    """(status, document), signed by botocore."""
    url = f"http://127.0.0.1:{container.health_port}/cluster/v1{path}"
    data = b"" if body is None else json.dumps(body).encode()
    request = botocore.awsrequest.AWSRequest(
        method, url, data=data, headers={"x-amz-content-sha256": hashlib.sha256(data).hexdigest()})
    if sign:
        botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(*keys), "s3",
                                  "eu-north-1").add_auth(request)
    if spoil:
        data = data.replace(b"true", b"null")
    sent = urllib.request.Request(url, data=data or None, method=method,
                                  headers=dict(request.headers.items()))
    try:
        with urllib.request.urlopen(sent, timeout=40) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def pair(cluster):
    cluster.create()
    cluster.start("one").wait_ready()
    cluster.start("two").wait_ready()
    cluster.wait_states({"one": "active", "two": "active"})
    return cluster


def test_who_may_ask(pair):
    one = pair.containers[0]
    status, document = ask(one, "GET", "/openapi.json", sign=False)
    assert status == 200 and document["openapi"].startswith("3.")
    status, document = ask(one, "GET", "/status")
    assert status == 200 and document == {**document, "cluster": pair.status()["cluster"]}
    assert ask(one, "GET", "/status", sign=False)[0] == 401
    for keys in ((KEYS[0], "another-secret-key"), ("somebody", KEYS[1])):
        status, document = ask(one, "GET", "/status", keys=keys)
        assert status == 403 and KEYS[1] not in json.dumps(document)
    assert ask(one, "PATCH", "/containers/one", {"drained": True}, spoil=True)[0] == 403
    assert not pair.status()["containers"][0]["drained"]


def test_bytes_that_are_no_text_are_refused_as_others(pair):
    one = pair.containers[0]
    for head in (b"GET /cluster/\xff HTTP/1.1\r\n", b"GET /cluster/v1/containers/\xff HTTP/1.1\r\n",
                 b"GET /cluster/v1/status HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential="
                 b"root/20260101/\xff/s3/aws4_request, SignedHeaders=host, Signature=\xff\r\n"
                 b"x-amz-date: 20260101T000000Z\r\n"):
        with socket.create_connection(("127.0.0.1", one.health_port), 10) as sent:
            sent.sendall(head + b"Host: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: sent.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 4"), answer
        json.loads(answer.partition(b"\r\n\r\n")[2])
    assert one.process.poll() is None


def test_every_verb_over_rest(pair):
    one = pair.containers[0]
    assert ask(one, "GET", "/nothing")[0] == 404
    assert ask(one, "PUT", "/status")[0] == 405
    assert ask(one, "PATCH", "/configuration", {"pork": 1})[0] == 400
    assert ask(one, "PATCH", "/configuration", {"port": "high"})[0] == 400
    assert ask(one, "PATCH", "/configuration", {"durability": "some"})[0] == 409
    assert ask(one, "PATCH", "/containers/three", {"drained": True})[0] == 404
    assert ask(one, "PATCH", "/containers/two", {"drained": 1})[0] == 400
    status, document = ask(one, "POST", "/containers", {"name": "three"})
    assert status == 200 and document["changed"] and document["containers"] == 3
    assert ask(one, "POST", "/containers", {"name": "three"})[0] == 409
    assert ask(one, "DELETE", "/containers/three")[0] == 200
    assert ask(one, "PATCH", "/containers/two", {"drained": True})[1]["changed"]
    pair.wait_states({"one": "active", "two": "draining"})
    assert not ask(one, "PATCH", "/containers/two", {"drained": True})[1]["changed"]
    status, document = ask(one, "GET", "/events")
    told = [(each["event"], each["subject"], each["by"]) for each in document["events"]]
    assert status == 200 and ("container-drained", "two", "one") in told
    body = {"x": "y" * 70000}
    assert ask(one, "PATCH", "/configuration", body)[0] == 413


def remote(cluster, *words, keys=KEYS, answer=""):
    endpoint = f"http://127.0.0.1:{cluster.containers[0].health_port}"
    done = servers.subprocess.run(
        [str(servers.binary()), "cluster", *words, "--endpoint", endpoint], capture_output=True,
        text=True, timeout=90, input=answer,
        env={**servers.scrubbed_environment(), "MILLRACE_ACCESS_KEY": keys[0],
             "MILLRACE_SECRET_KEY": keys[1]})
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_without_the_configuration_filesystem(pair):
    _, document, _ = remote(pair, "status", "--json")
    assert json.loads(document)["cluster"] == pair.status()["cluster"]
    status, out, errors = remote(pair, "status")
    assert status == 0 and "Active: 2 containers" in out, errors
    assert remote(pair, "containers", "drain", "two")[0] == 0
    pair.wait_states({"one": "active", "two": "draining"})
    assert remote(pair, "containers", "undrain", "two")[0] == 0
    status, out, errors = remote(pair, "update", "--region", "eu-north-1")
    assert status == 0 and "one has confirmed" in out and "two has confirmed" in out, errors
    assert "cluster-updated" in remote(pair, "events")[1]
    status, _, errors = remote(pair, "status", keys=(KEYS[0], "wrong-secret-key"))
    assert status == 1 and "signature" in errors and errors.count("\n") == 1
    status, _, errors = remote(pair, "destroy", answer="no\n")
    assert status == 1 and "not confirmed" in errors


def test_a_cluster_destroyed_from_afar_is_cleared_away_by_its_last_container(pair):
    one, two = pair.containers
    one.client().create_bucket(Bucket="kept")
    one.client().put_object(Bucket="kept", Key="object", Body=b"bytes")
    status, _, errors = remote(pair, "destroy")
    assert status == 1 and "has 1 bucket(s)" in errors
    status, _, errors = remote(pair, "destroy", "--force")
    assert status == 0, errors
    assert one.process.wait(servers.STOP_S) == 0 and two.process.wait(servers.STOP_S) == 0
    names = [each.name for each in (pair.config_fs / "millrace").rglob("*") if each.is_file()]
    assert names and all(name.startswith("cluster.") for name in names), names
    alone = servers.Millrace.start(pair.folder, data=pair.data)
    try:
        assert (alone.access_key, alone.secret_key) == KEYS
        assert (pair.data / "kept/object").read_bytes() == b"bytes"
    finally:
        alone.stop()


def test_an_endpoint_that_is_none_is_told(cluster):
    port = servers.free_port()

    def refused(wanted, endpoint, environment=None):
        done = servers.subprocess.run(
            [str(servers.binary()), "cluster", "status", "--endpoint", endpoint], text=True,
            capture_output=True, timeout=60,
            env={**servers.scrubbed_environment(), **(environment or {})})
        assert done.returncode == 1 and wanted in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1

    keys = {"MILLRACE_ACCESS_KEY": KEYS[0], "MILLRACE_SECRET_KEY": KEYS[1]}
    refused("MILLRACE_ACCESS_KEY", f"http://127.0.0.1:{port}")
    refused("gives no answer", f"http://127.0.0.1:{port}", keys)
    refused("is not http://HOST:PORT", "ftp://127.0.0.1", keys)
    refused("is not http://HOST:PORT", "http://127.0.0.1/path", keys)
    alone = servers.Millrace.start(cluster.folder, data=cluster.folder / "alone")
    try:
        began = time.monotonic()
        refused("is none of a cluster's", f"http://127.0.0.1:{alone.health_port}", keys)
        assert time.monotonic() - began < 20
    finally:
        alone.stop()
