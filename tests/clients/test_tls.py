"""TLS on both ports: real clients over https, certificates that are replaced while requests run,
pairs that don't fit, and clear text where TLS is spoken."""

import http.client
import io
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import boto3.s3.transfer
import conftest
import pytest
import server as servers
import tls_files

MIB = 1024 * 1024
BUCKET = "tls-bucket"
SEEN_S = 30  # for a change to be seen; it takes about one


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tls_files.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(scrubbed, authority, tmp_path_factory):
    """A server for the tests that don't change its certificate; with a bucket."""
    pair = authority.pair("shared")
    running = servers.Millrace.start(tmp_path_factory.mktemp("secure"), *flags(pair))
    client_of(running, authority).create_bucket(Bucket=BUCKET)
    yield running
    running.stop()


def flags(pair):
    return "--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)


def client_of(running, authority):
    return conftest.make_client(running, verify=str(authority.certificate))


def trust(authority, **options):
    context = ssl.create_default_context(cafile=authority.certificate)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def connect(port, context):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30),
                               server_hostname="127.0.0.1")


def shown(connection):
    """The name in the certificate of a connection."""
    return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]


def wait_for(condition, what):
    deadline = time.monotonic() + SEEN_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {SEEN_S} s: {what}"
        time.sleep(0.05)


def test_objects_parts_lists_and_presigned_urls(secure, authority):
    s3 = client_of(secure, authority)
    body = os.urandom(5 * MIB + 1)
    s3.put_object(Bucket=BUCKET, Key="whole", Body=body)
    assert s3.get_object(Bucket=BUCKET, Key="whole")["Body"].read() == body
    part = s3.get_object(Bucket=BUCKET, Key="whole", Range="bytes=70000-3000000")
    assert part["Body"].read() == body[70000:3000001]
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    assert s3.get_object(Bucket=BUCKET, Key="empty")["Body"].read() == b""

    upload = {"Bucket": BUCKET, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number,
                                                           Body=body[at:at + 5 * MIB])["ETag"]}
             for number, at in ((1, 0), (2, 5 * MIB))]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert done["Location"] == f"{secure.endpoint}/{BUCKET}/parts"
    assert done["Location"].startswith("https://")
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, "parts", back, Config=boto3.s3.transfer.TransferConfig(
        multipart_threshold=MIB, multipart_chunksize=MIB, max_concurrency=4))
    assert back.getvalue() == body

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == ["empty", "parts", "whole"]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "whole"})
    assert url.startswith("https://")
    with urllib.request.urlopen(url, context=trust(authority), timeout=60) as answer:
        assert answer.read() == body


def test_command_line_clients(secure, authority, tmp_path):
    ca, host = str(authority.certificate), f"127.0.0.1:{secure.port}"
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(9 * MIB))  # more than the clients' least part

    def call(*command, **env):
        done = subprocess.run(command, env={**secure.environment(), **env}, cwd=tmp_path,
                              text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr

    aws = str(pathlib.Path(sys.executable).with_name("aws"))
    for arguments in ((str(sent), f"s3://{BUCKET}/aws"), (f"s3://{BUCKET}/aws", "from-aws")):
        call(aws, "--ca-bundle", ca, "--endpoint-url", secure.endpoint, "s3", "cp", "--quiet",
             *arguments)
    assert (tmp_path / "from-aws").read_bytes() == sent.read_bytes()

    (tmp_path / "s3cfg").write_text(f"[default]\naccess_key = {secure.access_key}\n"
                                    f"secret_key = {secure.secret_key}\n")
    s3cmd = (shutil.which("s3cmd"), "-c", "s3cfg", f"--host={host}", f"--host-bucket={host}",
             "--ssl", f"--ca-certs={ca}", "--no-progress")
    call(*s3cmd, "put", str(sent), f"s3://{BUCKET}/s3cmd", "--multipart-chunk-size-mb=5")
    call(*s3cmd, "get", f"s3://{BUCKET}/s3cmd", "from-s3cmd")
    assert (tmp_path / "from-s3cmd").read_bytes() == sent.read_bytes()

    settings = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": secure.endpoint,
                "ENV_AUTH": "true", "REGION": "us-east-1", "FORCE_PATH_STYLE": "true"}
    rclone_env = {f"RCLONE_CONFIG_MILL_{name}": value for name, value in settings.items()}
    call(shutil.which("rclone"), "--ca-cert", ca, "--retries=1", "copyto",
         f"mill:{BUCKET}/s3cmd", "from-rclone", RCLONE_CONFIG="/dev/null", **rclone_env)
    assert (tmp_path / "from-rclone").read_bytes() == sent.read_bytes()


def test_versions_protocols_and_tickets(secure, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trust(authority, minimum_version=version, maximum_version=version)
        context.set_alpn_protocols(["h2", "http/1.1"])
        session = None
        for again in (False, True):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", secure.port), 30),
                                     server_hostname="127.0.0.1", session=session) as wire:
                assert wire.version() == version.name.replace("_", ".")
                assert wire.selected_alpn_protocol() == "http/1.1"
                assert wire.session_reused == again
                wire.sendall(b"GET /minio/health/live HTTP/1.1\r\nHost: a\r\n"
                             b"Connection: close\r\n\r\n")
                answer = b""
                while piece := wire.recv(65536):  # raises where the end comes unannounced
                    answer += piece
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
                session = wire.session


def test_the_health_port_and_what_it_counts(secure, authority):
    def ask(path):
        url = f"https://127.0.0.1:{secure.health_port}{path}"
        with urllib.request.urlopen(url, context=trust(authority), timeout=30) as answer:
            return answer.read().decode()

    assert ask("/health/ready") == "ready\n"
    metrics = ask("/metrics")
    ends = float(metrics.split("\nmillrace_tls_certificate_expires_seconds ")[1].split()[0])
    assert time.time() + 86400 < ends < time.time() + 3 * 86400
    assert 'millrace_tls_handshakes_total{shard="health"}' in metrics


@pytest.mark.parametrize("port", ["port", "health_port"])
def test_clear_text_is_told_so(secure, port):
    connection = http.client.HTTPConnection("127.0.0.1", getattr(secure, port), timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (400, b"This port speaks TLS: ask with https.\n")
    connection.close()


class Load:
    """Keeps asking, on connections that stay and on new ones; any failure is kept."""

    def __init__(self, running, authority, url):
        self.context, self.port = trust(authority), running.port
        self.target = url.split(f":{running.port}", 1)[1]
        self.failures, self.answers, self.going = [], 0, True
        self.kept = [self.connection() for _ in range(4)]
        self.first_shown = [shown(one.sock) for one in self.kept]
        self.threads = [threading.Thread(target=self.ask, args=(one,)) for one in self.kept]
        self.threads += [threading.Thread(target=self.ask, args=(None,)) for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def connection(self):
        one = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context,
                                          timeout=60)
        one.connect()
        one.auto_open = 0  # a connection that is dropped is a failure, not a new connection
        return one

    def ask(self, kept):
        try:
            while self.going:
                one = kept or self.connection()
                one.request("GET", self.target)
                answer = one.getresponse()
                assert (answer.status, len(answer.read())) == (200, 300_000)
                self.answers += 1
                if kept is None:
                    one.close()
        except Exception as error:  # noqa: BLE001: whatever it is, the test tells it
            self.failures.append(repr(error))

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join(60)


def test_certificates_are_replaced_under_load(start_server, authority, tmp_path):
    pairs = [authority.pair(name) for name in ("first", "second", "third")]
    used = tls_files.Pair(tmp_path / "tls.pem", tmp_path / "tls.key")

    def put(pair):
        tls_files.put(pair.key, used.key)
        tls_files.put(pair.certificate, used.certificate)

    put(pairs[0])
    running = start_server(*flags(used))
    s3 = client_of(running, authority)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=os.urandom(300_000))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    load = Load(running, authority, url)

    def now_shown(port):
        with connect(port, trust(authority)) as wire:
            return shown(wire)

    def both_show(name):
        return {now_shown(running.port), now_shown(running.health_port)} == {name}

    try:
        put(pairs[1])
        running.process.send_signal(signal.SIGHUP)
        wait_for(lambda: both_show("second"), "the second certificate, after SIGHUP")
        put(pairs[2])
        wait_for(lambda: both_show("third"), "the third certificate, by its file's change")
        # Half of a replacement: nothing is taken, and it is told once.
        tls_files.put(pairs[0].certificate, used.certificate)
        told = "TLS certificate kept, the new one is wrong"
        before = running.output().count(told)
        wait_for(lambda: running.output().count(told) > before, "the line about the wrong pair")
        time.sleep(2.5)  # two more looks
        assert running.output().count(told) == before + 1
        assert both_show("third")
        tls_files.put(pairs[0].key, used.key)
        wait_for(lambda: both_show("first"), "the first certificate, now whole")
        answers = load.answers
        wait_for(lambda: load.failures or load.answers > answers + 20, "answers after it all")
    finally:
        load.stop()
    assert not load.failures
    assert load.first_shown == ["first"] * 4


def test_pairs_that_do_not_fit_are_refused_at_start(authority, tmp_path):
    one, other = authority.pair("one"), authority.pair("other")
    for pair, named in ((tls_files.Pair(one.certificate, other.key), other.key),
                        (tls_files.Pair(one.key, one.key), one.key),
                        (tls_files.Pair(one.certificate, tmp_path / "none"), tmp_path / "none")):
        done = subprocess.run(
            [str(servers.binary()), "serve", "--data", str(tmp_path / "data"), *flags(pair),
             "--listen", f"127.0.0.1:{servers.free_port()}",
             "--health", f"127.0.0.1:{servers.free_port()}"],
            env=servers.scrubbed_environment(), capture_output=True, text=True, timeout=30)
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith(f"millrace: {named}: ")
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()
