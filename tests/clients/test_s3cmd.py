"""s3cmd: a tree of files goes in, is listed, comes back, is deleted; settings of a bucket."""

import json
import shutil
import subprocess

import pytest
import tree_of_files


@pytest.fixture
def s3cmd(server, tmp_path):
    host = server.endpoint.removeprefix("http://")
    config = tmp_path / "s3cfg"
    config.write_text(f"""[default]
access_key = {server.access_key}
secret_key = {server.secret_key}
host_base = {host}
host_bucket = {host}
use_https = False
bucket_location = us-east-1
multipart_chunk_size_mb = 5
""")

    def call(*arguments, check=True):
        command = [shutil.which("s3cmd"), "-c", str(config), "--no-progress", *arguments]
        done = subprocess.run(command, env=server.environment(), cwd=tmp_path, text=True,
                              capture_output=True, timeout=600)
        assert not check or done.returncode == 0, done.stderr
        return done

    return call


def test_a_tree(s3cmd, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    sent = tree_of_files.make(out)
    back.mkdir()
    s3cmd("mb", "s3://s3cmd-tree")
    assert "s3://s3cmd-tree" in s3cmd("ls").stdout
    s3cmd("sync", f"{out}/", "s3://s3cmd-tree/top/")
    listed = s3cmd("ls", "--recursive", "s3://s3cmd-tree/").stdout.splitlines()
    assert {line.split("s3://s3cmd-tree/top/", 1)[1] for line in listed} == set(sent)
    again = s3cmd("sync", f"{out}/", "s3://s3cmd-tree/top/").stdout
    assert "upload:" not in again, "nothing has changed"
    s3cmd("get", "--recursive", "s3://s3cmd-tree/top/", f"{back}/")
    assert tree_of_files.contents_of(back) == sent
    assert s3cmd("rb", "s3://s3cmd-tree", check=False).returncode != 0
    s3cmd("del", "--recursive", "--force", "s3://s3cmd-tree/")
    assert s3cmd("ls", "--recursive", "s3://s3cmd-tree/").stdout == ""
    s3cmd("rb", "s3://s3cmd-tree")


def test_single_objects(s3cmd, tmp_path):
    (tmp_path / "in").write_bytes(b"one object")
    s3cmd("mb", "s3://s3cmd-one")
    s3cmd("put", "in", "s3://s3cmd-one/a b/c+d")
    s3cmd("get", "s3://s3cmd-one/a b/c+d", "out")
    assert (tmp_path / "out").read_bytes() == b"one object"
    s3cmd("del", "s3://s3cmd-one/a b/c+d")
    assert s3cmd("get", "s3://s3cmd-one/a b/c+d", "out2", check=False).returncode != 0
    s3cmd("rb", "s3://s3cmd-one")


def test_copies_within_the_server(s3cmd, s3, tmp_path):
    (tmp_path / "in").write_bytes(b"one object")
    s3cmd("mb", "s3://s3cmd-copies")
    s3cmd("put", "in", "s3://s3cmd-copies/a b")
    s3cmd("cp", "s3://s3cmd-copies/a b", "s3://s3cmd-copies/copied")
    s3cmd("mv", "s3://s3cmd-copies/a b", "s3://s3cmd-copies/moved")
    s3cmd("modify", "--add-header=Cache-Control:no-cache", "s3://s3cmd-copies/moved")
    assert s3.head_object(Bucket="s3cmd-copies", Key="moved")["CacheControl"] == "no-cache"
    for name in ("copied", "moved"):
        assert s3.get_object(Bucket="s3cmd-copies", Key=name)["Body"].read() == b"one object"
    s3cmd("rb", "--recursive", "--force", "s3://s3cmd-copies")


def test_settings_of_a_bucket(s3cmd, s3, tmp_path):
    """A policy, rules for other origins, access lists of the owner alone; `info` shows them all."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                 "Resource": "arn:aws:s3:::s3cmd-settings/open/*"}
    (tmp_path / "policy").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    (tmp_path / "cors").write_text(
        "<CORSConfiguration><CORSRule><AllowedOrigin>http://a.example</AllowedOrigin>"
        "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>")
    (tmp_path / "in").write_bytes(b"one object")
    s3cmd("mb", "s3://s3cmd-settings")
    s3cmd("put", "--acl-private", "--mime-type=text/plain", "in", "s3://s3cmd-settings/k")
    s3cmd("setacl", "--acl-private", "s3://s3cmd-settings/k")
    said = s3cmd("setacl", "--acl-public", "s3://s3cmd-settings/k", check=False)
    assert said.returncode != 0 and "AccessControlListNotSupported" in said.stderr
    s3cmd("setpolicy", "policy", "s3://s3cmd-settings")
    s3cmd("setcors", "cors", "s3://s3cmd-settings")
    kept = json.loads(s3.get_bucket_policy(Bucket="s3cmd-settings")["Policy"])
    assert kept["Statement"] == [statement]
    about = s3cmd("info", "s3://s3cmd-settings").stdout
    assert "s3cmd-settings/open/*" in about and "http://a.example" in about
    assert "text/plain" in s3cmd("info", "s3://s3cmd-settings/k").stdout
    s3cmd("delpolicy", "s3://s3cmd-settings")
    s3cmd("delcors", "s3://s3cmd-settings")
    about = s3cmd("info", "s3://s3cmd-settings").stdout
    assert "Policy:    none" in about and "CORS:      none" in about
    assert "s3cmd-settings" in s3cmd("du", "s3://s3cmd-settings").stdout
    s3cmd("rb", "--recursive", "--force", "s3://s3cmd-settings")
