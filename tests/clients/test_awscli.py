"""The AWS command line: a tree of files goes in, is listed, comes back, is deleted. The pinned one
(version 1, with the checksums of today's SDKs) does all of it, Debian's (version 2) the essence."""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest
import tree_of_files

PINNED = str(pathlib.Path(sys.executable).with_name("aws"))
DEBIANS = "/usr/bin/aws"


@pytest.fixture
def aws(server, tmp_path, request):
    """The pinned one, or what a test's parameter names."""
    program = getattr(request, "param", PINNED)
    if not pathlib.Path(program).exists():
        pytest.skip(f"no {program}")
    # The CLI's own default for URLs in us-east-1 is still signature version 2.
    config = tmp_path / "aws-config"
    config.write_text("[default]\ns3 =\n  signature_version = s3v4\n")
    env = {**server.environment(), "AWS_CONFIG_FILE": str(config)}

    def call(*arguments, check=True):
        command = [program, "--endpoint-url", server.endpoint, *arguments]
        done = subprocess.run(command, env=env, cwd=tmp_path, text=True,
                              capture_output=True, timeout=600)
        assert not check or done.returncode == 0, done.stderr
        return done

    return call


def test_a_tree(aws, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    sent = tree_of_files.make(out)
    aws("s3", "mb", "s3://aws-tree")
    assert "aws-tree" in aws("s3", "ls").stdout
    aws("s3", "cp", "--recursive", "--quiet", str(out), "s3://aws-tree/top")
    listed = aws("s3", "ls", "--recursive", "s3://aws-tree/top/").stdout.splitlines()
    assert {line.split(None, 3)[3].removeprefix("top/") for line in listed} == set(sent)
    assert aws("s3", "sync", str(out), "s3://aws-tree/top").stdout == "", "nothing has changed"
    aws("s3", "cp", "--recursive", "--quiet", "s3://aws-tree/top", str(back))
    assert tree_of_files.contents_of(back) == sent
    assert aws("s3", "rb", "s3://aws-tree", check=False).returncode != 0
    aws("s3", "rm", "--recursive", "--quiet", "s3://aws-tree/")
    assert aws("s3", "ls", "--recursive", "s3://aws-tree").stdout == ""
    aws("s3", "rb", "s3://aws-tree")


@pytest.mark.parametrize("aws", [DEBIANS], ids=["debians"], indirect=True)
def test_a_tree_there_and_back(aws, s3, bucket, tmp_path):
    """Few calls, since each costs this client more than the server has to do for it."""
    out, back = tmp_path / "out", tmp_path / "back"
    sent = tree_of_files.make(out)
    aws("s3", "sync", "--quiet", str(out), f"s3://{bucket}/top")
    aws("s3", "sync", "--quiet", f"s3://{bucket}/top", str(back))
    assert tree_of_files.contents_of(back) == sent
    aws("s3", "rm", "--recursive", "--quiet", f"s3://{bucket}/")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_sync_sends_only_what_changed(aws, tmp_path):
    out = tmp_path / "out"
    tree_of_files.make(out)
    aws("s3", "mb", "s3://aws-sync")
    aws("s3", "sync", "--quiet", str(out), "s3://aws-sync")
    (out / "small.txt").write_bytes(b"longer than it was")
    (out / "empty").unlink()
    said = aws("s3", "sync", "--no-progress", "--delete", str(out), "s3://aws-sync").stdout
    assert sorted(line.split(":")[0] for line in said.splitlines()) == ["delete", "upload"]
    aws("s3", "rb", "--force", "s3://aws-sync")


def test_streams_and_urls(aws, tmp_path):
    (tmp_path / "in").write_bytes(b"streamed\n")
    aws("s3", "mb", "s3://aws-stream")
    aws("s3", "cp", "in", "s3://aws-stream/a b")
    assert aws("s3", "cp", "s3://aws-stream/a b", "-").stdout == "streamed\n"
    url = aws("s3", "presign", "s3://aws-stream/a b").stdout.strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"streamed\n"
    aws("s3", "mv", "s3://aws-stream/a b", "moved-here")
    assert (tmp_path / "moved-here").read_bytes() == b"streamed\n"
    assert aws("s3", "ls", "s3://aws-stream").stdout == ""
    aws("s3", "rb", "s3://aws-stream")


def test_the_api_commands(aws, tmp_path):
    (tmp_path / "body").write_bytes(b"0123456789")
    aws("s3api", "create-bucket", "--bucket", "aws-api")
    aws("s3api", "put-object", "--bucket", "aws-api", "--key", "k", "--body", "body",
        "--metadata", "colour=blue", "--content-type", "text/plain")
    head = json.loads(aws("s3api", "head-object", "--bucket", "aws-api", "--key", "k").stdout)
    assert (head["ContentLength"], head["ContentType"]) == (10, "text/plain")
    assert head["Metadata"] == {"colour": "blue"}
    aws("s3api", "get-object", "--bucket", "aws-api", "--key", "k", "--range", "bytes=2-4", "part")
    assert (tmp_path / "part").read_bytes() == b"234"
    listed = json.loads(aws("s3api", "list-objects-v2", "--bucket", "aws-api").stdout)
    assert [item["Key"] for item in listed["Contents"]] == ["k"]
    aws("s3api", "delete-object", "--bucket", "aws-api", "--key", "k")
    aws("s3api", "delete-bucket", "--bucket", "aws-api")
    gone = aws("s3api", "head-bucket", "--bucket", "aws-api", check=False)
    assert gone.returncode != 0 and "404" in gone.stderr


@pytest.mark.parametrize("aws", [DEBIANS], ids=["debians"], indirect=True)
def test_copies_within_the_server(aws, s3, bucket):
    """Over 8 MiB the CLI copies in parts; version 2 takes metadata and tags along itself then."""
    body = tree_of_files.random.Random(2).randbytes(17 * tree_of_files.MIB)
    s3.put_object(Bucket=bucket, Key="from", Body=body, Metadata={"colour": "blue"},
                  Tagging="team=red")
    aws("s3", "cp", "--quiet", f"s3://{bucket}/from", f"s3://{bucket}/a b/large")
    copied = s3.get_object(Bucket=bucket, Key="a b/large")
    assert (copied["Body"].read() == body, copied["Metadata"]) == (True, {"colour": "blue"})
    assert (copied["ETag"][-3:], copied["TagCount"]) == ('-3"', 1)
    s3.put_object(Bucket=bucket, Key="small", Body=b"small")
    aws("s3", "mv", "--quiet", f"s3://{bucket}/small", f"s3://{bucket}/moved")
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == ["a b/large", "from", "moved"]


def test_settings_by_the_api_commands(aws, s3, bucket, tmp_path):
    def said(*arguments):
        text = aws("s3api", *arguments, "--bucket", bucket).stdout
        return json.loads(text) if text else None

    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                 "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    said("put-bucket-policy", "--policy", policy)
    assert said("get-bucket-policy-status")["PolicyStatus"] == {"IsPublic": True}
    blocks = {name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                      "RestrictPublicBuckets")}
    said("put-public-access-block", "--public-access-block-configuration", json.dumps(blocks))
    assert said("get-public-access-block")["PublicAccessBlockConfiguration"] == blocks
    refused = aws("s3api", "put-bucket-policy", "--bucket", bucket, "--policy", policy, check=False)
    assert refused.returncode != 0 and "AccessDenied" in refused.stderr
    (tmp_path / "body").write_bytes(b"0123456789")
    said("put-object", "--key", "k", "--body", "body", "--checksum-algorithm", "SHA256")
    about = said("get-object-attributes", "--key", "k", "--object-attributes", "ETag", "Checksum",
                 "ObjectSize", "StorageClass")
    assert (about["ObjectSize"], about["StorageClass"]) == (10, "STANDARD")
    digest = hashlib.sha256(b"0123456789").digest()
    assert about["Checksum"]["ChecksumSHA256"] == base64.b64encode(digest).decode()
    assert about["ETag"] == s3.head_object(Bucket=bucket, Key="k")["ETag"].strip('"')
