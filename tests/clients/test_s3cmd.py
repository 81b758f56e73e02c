"""s3cmd: a tree of files goes in, is listed, comes back, is deleted."""

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
