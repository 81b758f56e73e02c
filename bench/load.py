"""Objects, signed targets and load. The signatures are made by the vendor's SDK, so that a
mistake in Millrace's own signing can't make its checking look fast."""

import http.client
import json
import subprocess
import sys

import boto3
import botocore.config

import servers

CORE = 1  # the client's
BUCKET = "bench"
REGION = "us-east-1"
EXPIRES_S = 24 * 3600


def client(endpoint):
    settings = botocore.config.Config(
        signature_version="s3v4", s3={"addressing_style": "path"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required")
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, config=settings,
                        aws_access_key_id=servers.ACCESS_KEY,
                        aws_secret_access_key=servers.SECRET_KEY)


def names(label, count):
    """Keys two levels deep, as applications have them; the walk goes from folder to folder."""
    return [f"{label}/{index % 16:02}/object-{index:05}" for index in range(count)]


def targets(server, method, keys):
    """Request targets: presigned, or plain paths for a server without signatures."""
    if not server.signed:
        return [f"/{BUCKET}/{key}" for key in keys]
    s3 = client(server.endpoint)
    made = [s3.generate_presigned_url(f"{method.lower()}_object", ExpiresIn=EXPIRES_S,
                                      Params={"Bucket": BUCKET, "Key": key}) for key in keys]
    return [url.removeprefix(server.endpoint) for url in made]


def make_bucket(server):
    s3 = client(server.endpoint)
    try:
        s3.create_bucket(Bucket=BUCKET)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        pass


def fill(server, keys, size):
    """Puts objects by presigned requests over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = (b"0123456789abcdef" * 65536 * 64)[:size]
    for target in targets(server, "PUT", keys):
        connection.request("PUT", target, body)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{server.name} answered a PUT with {answer.status}")
    connection.close()


def run_wrk(server, target_file, method, body_bytes, connections, seconds):
    """One window of load; what wrk counted, and how long the server's core was busy."""
    command = ["taskset", "-c", str(CORE), "wrk", "-t", "1", "-c", str(connections), "-d",
               f"{seconds}s", "--timeout", "30s", "-s", str(servers.ROOT / "bench" / "walk.lua"),
               server.endpoint, "--", str(target_file), method, str(body_bytes)]
    before = servers.core_busy_seconds()
    out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    used = servers.core_busy_seconds() - before
    if out.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{out.stdout}{out.stderr}")
    counted = json.loads(out.stdout.splitlines()[-1])
    if counted["failed"] or counted["refused"]:
        raise RuntimeError(f"{server.name}: {counted['refused']} answers were errors and "
                           f"{counted['failed']} connections failed:\n  {' '.join(command)}")
    return {**counted, "processor_s": round(used, 3), "command": " ".join(command)}
