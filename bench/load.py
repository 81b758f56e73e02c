"""Objects and load, by Millrace's own load generator; what a window of it cost the server. That the
signatures are right is vouched for by the other servers, which check them too."""

import json
import re
import subprocess
import sys
import time
import http.client

import boto3
import botocore.config

import servers

CORE = 1  # the client's
BUCKET = "bench"
REGION = "us-east-1"
TOOL = servers.ROOT / "build/release/bench/millrace-bench"
OPEN_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
     "Resource": f"arn:aws:s3:::{BUCKET}/*"}]})


def client(endpoint):
    settings = botocore.config.Config(
        signature_version="s3v4", s3={"addressing_style": "path"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required")
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, config=settings,
                        aws_access_key_id=servers.ACCESS_KEY,
                        aws_secret_access_key=servers.SECRET_KEY)


def make_bucket(server, open_to_all=False):
    s3 = client(server.endpoint)
    try:
        s3.create_bucket(Bucket=BUCKET)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        pass
    if open_to_all:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=OPEN_POLICY)


def command(server, contest, signed, *end, objects=None, prepare=False, mix=None, cores=(CORE,),
            endpoint=None, connections=None):
    return ["taskset", "-c", servers.core_list(cores), str(TOOL), "--endpoint",
            endpoint or server.endpoint,
            "--bucket", BUCKET, "--region", REGION, "--auth", "presigned" if signed else "none",
            "--mix", mix or contest.mix, "--size", str(contest.object_bytes),
            "--range-bytes", "1KiB", "--objects", str(objects or contest.objects),
            "--prefix", f"{contest.name}/", "--connections",
            str(connections or contest.connections), "--threads", str(len(cores)), "--warmup", "0s", "--prepare" if prepare else "--no-prepare",
            "--quiet", "--json", "-", *end]


def run(arguments, server):
    out = subprocess.run(arguments, capture_output=True, text=True, timeout=900, env={
        **servers.clean_environment(), "AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY})
    if out.returncode != 0:
        sys.exit(f"{server.name}: {' '.join(arguments)}\n{out.stdout[-3000:]}{out.stderr}")
    return json.loads(out.stdout)


def prepare(server, contest, objects=None):
    """Puts the contest's objects."""
    run(command(server, contest, True, "--requests", "1", objects=objects, prepare=True,
                mix="head"), server)


def window(server, contest, signed, seconds=None, operations=None, objects=None):
    """One window of load, ended by time or by its number of operations. By number, everything that
    the server did is counted, also of large objects."""
    end = (("--requests", str(operations)) if operations else ("--duration", f"{seconds}s"))
    arguments = command(server, contest, signed, *end, objects=objects)
    before = servers.core_busy_seconds()
    got = run(arguments, server)
    busy_s = servers.core_busy_seconds() - before
    total = got["total"]
    return {"operations": total["operations"], "seconds": got["window_s"],
            "bytes": total["bytes_sent"] + total["bytes_received"],
            "requests_sent": got["requests_sent"], "server_busy_s": round(busy_s, 3),
            "client_busy": got["client"]["busy"], "p50_us": total["latency_us"]["p50"],
            "p99_us": total["latency_us"]["p99"], "command": " ".join(arguments)}


def list_pages(server, prefix, pages_max=None):
    """All pages of a flat prefix, or the first ones: keys, seconds of the server's core, and the
    client's time of each page."""
    s3 = client(server.endpoint)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    token, keys, page_s = None, 0, []
    busy_s = 0.0
    while pages_max is None or len(page_s) < pages_max:
        parameters = {"Bucket": BUCKET, "Prefix": prefix, "MaxKeys": 1000}
        if token:
            parameters["ContinuationToken"] = token
        url = s3.generate_presigned_url("list_objects_v2", Params=parameters)
        before, began = servers.core_busy_seconds(), time.monotonic()
        connection.request("GET", url.removeprefix(server.endpoint))
        answer = connection.getresponse()
        body = answer.read()
        page_s.append(time.monotonic() - began)
        busy_s += servers.core_busy_seconds() - before
        if answer.status != 200:
            raise RuntimeError(f"{server.name} answered a listing with {answer.status}")
        keys += body.count(b"<Key>")
        found = re.search(rb"<NextContinuationToken>([^<]*)</", body)
        if not found:
            break
        token = found.group(1).decode().replace("&amp;", "&")
    connection.close()
    return {"keys": keys, "server_busy_s": round(busy_s, 3), "page_s": page_s}
